"""Tries the arguments of engines, of SamplingParams and of methods on this package."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from quire._quire import (
    BeamSearchParams,
    SamplingParams,
    change_of_option,
    check_engine,
    check_variable,
    foreign_option,
)
from quire.async_llm import AsyncLLM
from quire.engine_args import NO_EFFECT, EngineArgs, engine_options
from quire.llm import LLM
from quire.llm_engine import LLMEngine
from quire.logits_processors import NO_READER, NOT_PER_REQUEST
from quire.migrate_check.arguments import Arguments, Bound, bind, refusal_of
from quire.migrate_check.finding import (
    CHANGED,
    ENGINE,
    REFUSED,
    UNSURE,
    WORKS,
    Finding,
    error_of,
    sentence_of,
    shown,
)
from quire.migrate_check.values import UNKNOWN, Engine, EngineOptions, Params, is_known

ENGINES = (LLM, LLMEngine, AsyncLLM)
PARAMS = (SamplingParams, BeamSearchParams)

_OPEN = "What * and ** bring is known only when the script runs: look it up in docs/migration.md."
_NO_IMAGES = "Only text models run here: give `prompt` or `prompt_token_ids`."
_ABSENT_PROMPTS = {"prompt_embeds", "multi_modal_data", "encoder_prompt"}


class Checks:
    """Collects findings. use_v1: VLLM_USE_V1 as the script has set it so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.verdicts: list[Finding] = []  # which engines run
        self.use_v1: Any = os.environ.get("VLLM_USE_V1")

    def add(self, line: int, what: str, error: BaseException | str | None = None) -> None:
        fate = WORKS if error is None else REFUSED
        self.findings.append(Finding(line, what, fate, "" if error is None else str(error)))

    @contextmanager
    def environment(self) -> Iterator[None]:
        """VLLM_USE_V1 as the script has set it so far."""
        before = os.environ.pop("VLLM_USE_V1", None)
        if self.use_v1 in ("0", "1"):
            os.environ["VLLM_USE_V1"] = self.use_v1
        try:
            yield
        finally:
            os.environ.pop("VLLM_USE_V1", None)
            if before is not None:
                os.environ["VLLM_USE_V1"] = before

    def set_variable(self, line: int, name: Any, value: Any) -> None:
        if name == "VLLM_USE_V1":
            self.use_v1 = value if value in ("0", "1") or value is UNKNOWN else None
        if not isinstance(name, str) or not name.startswith("VLLM_"):
            return
        text = str(value) if is_known(value) else "…"
        ((what, fate, sentence),), _ = check_variable(name, text)
        self.findings.append(Finding(line, what, fate, sentence))

    # Engines.

    def make_engine(self, line: int, cls: type, arguments: Arguments, name: str = "") -> Engine:
        """The call of an engine's class."""
        name = name or cls.__name__
        bound = self._bind(line, name, cls.__init__, arguments)
        options = self._taken_options(line, name, cls, bound.values)
        return self._verdict(line, cls, options, bound.values, arguments.is_open)

    def make_options(self, line: int, cls: type, arguments: Arguments) -> EngineOptions:
        """EngineArgs(…)."""
        bound = self._bind(line, cls.__name__, cls.__init__, arguments)
        self._taken_options(line, cls.__name__, cls, bound.values)
        return EngineOptions(cls, bound.values, arguments.is_open)

    def engine_of_options(self, line: int, cls: type, given: Any) -> Engine:
        """Engine.from_engine_args(given)."""
        if not isinstance(given, EngineOptions):
            return self._verdict(line, cls, {}, {}, True)
        options = {}
        for option, value in given.options.items():
            if option in ("model", "logits_processors") or not is_known(value):
                continue
            error = self._error_of_option(cls, option, value)
            if error is None:
                options[option] = value
            elif self._error_of_option(given.cls, option, value) is None:  # it was not told yet
                what = f"{cls.__name__}({option}={shown(option, value)})"
                self.add(line, what, sentence_of(error, option, value))
        return self._verdict(line, cls, options, given.options, given.is_open)

    def set_option(self, line: int, given: EngineOptions, option: str, value: Any) -> None:
        """engine_args.option = value"""
        self._taken_options(line, given.cls.__name__, given.cls, {option: value})
        given.options[option] = value

    def _bind(self, line: int, name: str, function: Any, arguments: Arguments) -> Bound:
        bound = bind(function, arguments, is_method=True)
        for argument, sentence in bound.errors:
            value = arguments.keywords.get(argument)
            what = f"{name}({argument}={shown(argument, value)})" if argument else f"{name}()"
            self.add(line, what, sentence.replace("__init__()", f"{name}()"))
        if arguments.is_open:
            self.findings.append(Finding(line, f"{name}(…)", UNSURE, _OPEN))
        return bound

    def _taken_options(
        self, line: int, name: str, cls: type, given: dict[str, Any]
    ) -> dict[str, Any]:
        """Tells of each option, and gives those that are known and taken."""
        options = {}
        for option, value in given.items():
            what = f"{name}({option}={shown(option, value)})"
            if option in ("model", "logits_processors"):
                self.add(line, what)
                continue
            error = self._error_of_option(cls, option, value)
            change = change_of_option(option)
            if error is not None:
                self.add(line, what, sentence_of(error, option, value))
            else:
                self.findings.append(
                    Finding(line, what, CHANGED if change else WORKS, change or "")
                )
            if error is None and is_known(value):
                options[option] = value
        return options

    def _error_of_option(self, cls: type, option: str, value: Any) -> BaseException | None:
        if not is_known(value):
            return _error_of_unknown(option)

        def try_it() -> None:
            with self.environment():
                options = engine_options("", {option: value}, _bound_scheduler(cls))
                use_v1 = "" if option == "scheduler" else self._use_v1_of(cls)
                for _, fate, sentence in check_engine(options, use_v1)[0]:
                    if fate == REFUSED:
                        raise ValueError(sentence)

        return error_of(try_it)

    def _use_v1_of(self, cls: type) -> str:
        is_bound = _bound_scheduler(cls) is not None or issubclass(cls, EngineArgs)
        return self.use_v1 if not is_bound and self.use_v1 in ("0", "1") else ""

    def _verdict(
        self, line: int, cls: type, options: dict[str, Any], given: dict[str, Any], is_open: bool
    ) -> Engine:
        """Which engine these options run on, with what it says to them together."""
        bound = _bound_scheduler(cls)
        with self.environment():
            native = engine_options("", options, bound)
        found, engine = check_engine(native, self._use_v1_of(cls))
        known = {finding.sentence for finding in self.findings}
        for what, fate, sentence in found:
            if sentence not in known:
                self.findings.append(Finding(line, what, fate, sentence))
        rules = given.get("logits_processors", UNKNOWN if is_open else None)
        takes_extra = None if rules is UNKNOWN else bool(rules)
        sentence = ""
        if bound is None and self.use_v1 is UNKNOWN:
            engine, sentence = "V0 or V1", "VLLM_USE_V1 is known only when the script runs."
        elif bound is None and is_open and self.use_v1 is None and engine == "V1":
            sentence = "An option of V0 among those that are not known would choose V0."
        self.verdicts.append(Finding(line, engine, ENGINE, sentence))
        return Engine(cls, None if sentence else engine == "V0", takes_extra)

    # SamplingParams and BeamSearchParams.

    def make_params(self, line: int, cls: type, arguments: Arguments) -> Params:
        """Each argument for itself; one that needs others beside all that are taken alone."""
        name = cls.__name__
        if arguments.positional:
            self.add(line, f"{name}()", f"{name} takes no positional arguments: name them.")
        if arguments.is_open:
            self.findings.append(Finding(line, f"{name}(…)", UNSURE, _OPEN))
        base = {"beam_width": 1, "max_tokens": 1} if cls is BeamSearchParams else {}
        given = arguments.keywords
        taken = base | {
            key: value
            for key, value in given.items()
            if is_known(value)
            and error_of(lambda key=key, value=value: cls(**base | {key: value})) is None
        }
        for key, value in given.items():
            what = f"{name}({key}={shown(key, value)})"
            if not is_known(value) and hasattr(cls, key):
                self.add(line, what)
                continue
            tried = taken | {key: value if is_known(value) else object()}
            error = None if key in taken else error_of(lambda tried=tried: cls(**tried))
            self.add(line, what, None if error is None else sentence_of(error, key, value))
            if error is None and is_known(value):
                taken = tried
        together = error_of(lambda: cls(**taken))
        if together is not None:
            parts = ", ".join(f"{key}={shown(key, value)}" for key, value in given.items())
            self.add(line, f"{name}({parts})", together)
        return Params(cls, given)

    # Methods.

    def has(self, line: int, cls: type, name: str, what: str) -> bool:
        """Whether the class has it; if not, says so."""
        function = inspect.getattr_static(cls, name, None)
        if function is None:
            self.add(line, what, f"{cls.__name__} has no {name} here.")
            return False
        if getattr(function, "__annotations__", {}).get("return") == "NoReturn":
            self.add(line, what, error_of(lambda: _call(function)))
            return False
        return True

    def call_method(self, line: int, engine: Engine, name: str, arguments: Arguments) -> None:
        """engine.name(…)"""
        where = f"{engine.cls.__name__}.{name}"
        if not self.has(line, engine.cls, name, f"{where}()"):
            return
        function = inspect.getattr_static(engine.cls, name)
        if not inspect.isfunction(function):  # a property, or a method of the class
            return self.add(line, f"{where}()")
        first = len(self.findings)
        bound = self._bind(line, where, function, arguments)
        for argument, value in bound.values.items():
            self._check_argument(
                line, f"{where}({argument}={shown(argument, value)})", argument, value
            )
        params = bound.values.get("sampling_params", bound.values.get("params"))
        for one in params if isinstance(params, list) else [params]:
            if isinstance(one, Params):
                self._check_request(line, where, engine, one)
        self._check_prompts(line, where, bound.values.get("prompts", bound.values.get("prompt")))
        if all(finding.fate != REFUSED for finding in self.findings[first:]):
            self.findings.insert(first, Finding(line, f"{where}()", WORKS))
        return None

    def _check_argument(self, line: int, what: str, argument: str, value: Any) -> None:
        refuse = refusal_of(argument)
        if refuse is None:
            return
        error = error_of(lambda: refuse(value))
        if error is None:
            self.add(line, what)
        elif value is UNKNOWN:
            sentence = f"Only None is taken. {error}"
            self.findings.append(Finding(line, what, UNSURE, sentence))
        else:
            self.add(line, what, error)

    def _check_request(self, line: int, where: str, engine: Engine, params: Params) -> None:
        rules = params.given.get("logits_processors")
        if rules and engine.uses_v0 is False:
            self.add(line, f"{where}() with logits_processors of a request", NOT_PER_REQUEST)
        if params.given.get("extra_args") is not None and engine.takes_extra_args is False:
            self.add(line, f"{where}() with extra_args", NO_READER)

    def _check_prompts(self, line: int, where: str, prompts: Any) -> None:
        for prompt in prompts if isinstance(prompts, list) else [prompts]:
            if isinstance(prompt, dict):
                for key in sorted(_ABSENT_PROMPTS & prompt.keys()):
                    self.add(line, f"{where}() of a prompt with {key}", _NO_IMAGES)


def _call(function: Any) -> None:
    """A function that only raises, or a coroutine that does."""
    returned = function(None)
    if inspect.iscoroutine(returned):
        returned.send(None)


def _bound_scheduler(cls: type) -> str | None:
    return getattr(cls, "_bound_scheduler", None)


def _error_of_unknown(option: str) -> BaseException | None:
    """Of an option whose value is not known: what is taken at all."""
    foreign = foreign_option(option)
    if foreign is None:
        error = error_of(lambda: check_engine({option: None}, ""))
        return error if isinstance(error, TypeError) and "keyword" in str(error) else None
    if option in NO_EFFECT:
        return None
    accepted = foreign[0].replace("|", " or ")
    taken = f"Only {accepted} is taken. " if accepted else ""
    return ValueError(f"{option} is not supported. {taken}{foreign[1]}")
