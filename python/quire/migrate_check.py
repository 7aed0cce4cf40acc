"""quire migrate-check: what becomes of a script or a command line that was written for vLLM.

Every import, variable, argument and method of vLLM's that a script names is tried on this package,
and what it says is printed. The script is read, not run.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from quire._quire import (
    BeamSearchParams,
    SamplingParams,
    check_command,
    check_engine,
    check_variable,
    foreign_option,
    split_line,
)
from quire.engine_args import engine_options

WORKS, CHANGED, REFUSED = "works", "changed", "refused"

_ENGINES = {"LLM", "LLMEngine", "AsyncLLM", "AsyncLLMEngine", "EngineArgs", "AsyncEngineArgs"}
_PARAMS = {"SamplingParams": SamplingParams, "BeamSearchParams": BeamSearchParams}
_ERRORS = (ArithmeticError, LookupError, NotImplementedError, OSError, TypeError, ValueError)
_UNKNOWN = object()  # a value that is known only when the script runs


class Finding(NamedTuple):
    """fate: works, changed or refused; "engine" for the engine that runs. line: 0 without one."""

    line: int
    what: str
    fate: str
    sentence: str = ""

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{self.fate:<8} {place}{self.what}" + (
            f": {self.sentence}" if self.sentence else ""
        )


class Script:
    """Reads a script from its beginning to its end and collects what it finds."""

    def __init__(self, source: str, name: str = "script.py"):
        self.findings: list[Finding] = []
        self.engines: list[tuple[int, str]] = []  # line and "V0" or "V1"
        self._names: dict[str, str] = {}  # what a name of the script stands for: "vllm.LLM"
        self._bound: dict[str, str | None] = {}  # VLLM_USE_V1 when the name LLM was fetched
        self._objects: dict[str, type] = {}  # variables that hold engines
        self._use_v1: str | None = os.environ.get("VLLM_USE_V1")
        nodes = [node for node in ast.walk(ast.parse(source, name)) if hasattr(node, "lineno")]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            self._visit(node)

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._import(node.lineno, alias.name, None, alias.asname)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                self._import(node.lineno, node.module, alias.name, alias.asname)
        elif isinstance(node, ast.Assign):
            self._assign(node)
        elif isinstance(node, ast.Call):
            self._call(node)

    def _add(self, line: int, what: str, error: BaseException | None = None) -> None:
        fate = WORKS if error is None else REFUSED
        self.findings.append(Finding(line, what, fate, "" if error is None else str(error)))

    def _import(self, line: int, module: str, name: str | None, alias: str | None) -> None:
        if module.split(".", maxsplit=1)[0] not in ("vllm", "quire"):
            return
        what = f"import {module}" if name is None else f"from {module} import {name}"
        try:
            with self._environment():
                found = importlib.import_module(module)
                if name not in (None, "*") and not hasattr(found, name):
                    importlib.import_module(f"{module}.{name}")
        except ImportError:
            error = ImportError(
                f"There is no {module if name is None else f'{module}.{name}'} here."
            )
            return self._add(line, what, error)
        self._add(line, what)
        known = alias or name or module.split(".", maxsplit=1)[0]
        self._names[known] = module if name is None else f"{module}.{name}"
        self._bound[known] = self._use_v1
        return None

    @contextmanager
    def _environment(self) -> Iterator[None]:
        """VLLM_USE_V1 as the script has set it so far."""
        before = os.environ.pop("VLLM_USE_V1", None)
        if self._use_v1 is not None:
            os.environ["VLLM_USE_V1"] = self._use_v1
        try:
            yield
        finally:
            os.environ.pop("VLLM_USE_V1", None)
            if before is not None:
                os.environ["VLLM_USE_V1"] = before

    def _assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        if isinstance(target, ast.Subscript) and ast.unparse(target.value) == "os.environ":
            self._set_variable(node.lineno, _value(target.slice), _value(node.value))
        if isinstance(target, ast.Name) and isinstance(node.value, ast.Call):
            cls = self._engine_class(node.value.func)
            if cls is not None:
                self._objects[target.id] = cls

    def _set_variable(self, line: int, name: Any, value: Any) -> None:
        if not isinstance(name, str) or not name.startswith("VLLM_"):
            return
        if name == "VLLM_USE_V1":
            self._use_v1 = value if value in ("0", "1") else None
        shown = "…" if value is _UNKNOWN else str(value)
        ((what, fate, sentence),), _ = check_variable(name, shown)
        self.findings.append(Finding(line, what, fate, sentence))

    def _call(self, node: ast.Call) -> None:
        function = node.func
        if ast.unparse(function) in ("os.environ.setdefault", "os.putenv") and len(node.args) == 2:
            self._set_variable(node.lineno, *map(_value, node.args))
        name = self._full_name(function).rpartition(".")[2]
        if name in _ENGINES:
            self._check_engine(node, name)
        elif name in _PARAMS:
            self._check_params(node, _PARAMS[name])
        elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            self._check_method(node.lineno, function.value.id, function.attr)

    def _full_name(self, function: ast.expr) -> str:
        """ "vllm.LLM" for what the script calls so; "" for what is not of vLLM."""
        first, dot, rest = ast.unparse(function).partition(".")
        return self._names.get(first, "") + dot + rest if first in self._names else ""

    def _engine_class(self, function: ast.expr) -> type | None:
        first = ast.unparse(function).split(".")
        if first[-1] == "from_engine_args":
            first.pop()
        module, _, name = self._full_name(ast.parse(".".join(first), mode="eval").body).rpartition(
            "."
        )
        if name not in _ENGINES or name.endswith("EngineArgs"):
            return None
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            return None

    def _check_engine(self, node: ast.Call, name: str) -> None:
        given = {k.arg: _value(k.value) for k in node.keywords if k.arg is not None}
        options = {}
        for option, value in given.items():
            if option in ("model", "logits_processors"):
                self._add(node.lineno, f"{name}({option}={_shown(value)})")
                continue
            error = self._error_of_option(option, value)
            self._add(node.lineno, f"{name}({option}={_shown(value)})", error)
            if error is None and value is not _UNKNOWN:
                options[option] = value
        if name.endswith("EngineArgs"):
            return
        bound = self._bound.get(ast.unparse(node.func).split(".")[0])
        use_v1 = bound if bound is not None else self._use_v1
        findings, engine = check_engine(engine_options("", options, None), use_v1 or "")
        known = {finding.sentence for finding in self.findings}
        for what, fate, sentence in findings:
            if sentence not in known:
                self.findings.append(Finding(node.lineno, what, fate, sentence))
        self.engines.append((node.lineno, engine))

    def _error_of_option(self, option: str, value: Any) -> BaseException | None:
        if value is _UNKNOWN:
            foreign = foreign_option(option)
            if foreign is None:
                return _error_of(
                    lambda: check_engine({option: None}, ""), only=TypeError("keyword")
                )
            accepted = foreign[0].replace("|", " or ")
            taken = f"Only {accepted} is taken. " if accepted else ""
            return ValueError(f"{option} is not supported. {taken}{foreign[1]}")

        def try_it() -> None:
            with self._environment():
                check_engine(engine_options("", {option: value}, None), "")

        return _error_of(try_it)

    def _check_params(self, node: ast.Call, cls: type) -> None:
        """Each argument for itself; one that needs others beside all that are taken alone."""
        given = {k.arg: _value(k.value) for k in node.keywords if k.arg is not None}
        base = {"beam_width": 1, "max_tokens": 1} if cls is BeamSearchParams else {}
        known = {name: value for name, value in given.items() if value is not _UNKNOWN}
        taken = base | {
            name: value
            for name, value in known.items()
            if _error_of(lambda name=name, value=value: cls(**base | {name: value})) is None
        }
        for name, value in given.items():
            what = f"{cls.__name__}({name}={_shown(value)})"
            if value is _UNKNOWN and hasattr(cls, name):
                self._add(node.lineno, what)
                continue
            tried = taken | {name: object() if value is _UNKNOWN else value}
            error = None if name in taken else _error_of(lambda tried=tried: cls(**tried))
            self._add(node.lineno, what, error)
            if error is None and value is not _UNKNOWN:
                taken = tried
        together = _error_of(lambda: cls(**taken))
        if together is not None:
            self._add(node.lineno, ast.unparse(node), together)

    def _check_method(self, line: int, variable: str, method: str) -> None:
        cls = self._objects.get(variable)
        if cls is None:
            return
        what = f"{cls.__name__}.{method}()"
        function = inspect.getattr_static(cls, method, None)
        if function is None:
            return self._add(line, what, AttributeError(f"{cls.__name__} has no {method} here."))
        if getattr(function, "__module__", "") == "quire.absent":
            return self._add(line, what, _error_of(lambda: function(None)))
        return self._add(line, what)


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return _UNKNOWN


def _shown(value: Any) -> str:
    return "…" if value is _UNKNOWN else repr(value)


def _error_of(
    call: Callable[[], object], only: BaseException | None = None
) -> BaseException | None:
    """What the call raises. only: nothing but errors of its kind with its text in theirs."""
    try:
        call()
    except _ERRORS as error:
        if only is None or (type(error) is type(only) and str(only) in str(error)):
            return error
    return None


def check_script(path: str) -> list[Finding]:
    """Findings of a script, with the engines that it makes as the last ones."""
    script = Script(Path(path).read_text(encoding="utf-8"), path)
    engines = [Finding(line, engine, "engine") for line, engine in script.engines]
    return script.findings + engines


def check_line(words: list[str]) -> list[Finding]:
    """Findings of a command line, with the engine that it starts as the last one."""
    found, engine = check_command(words)
    findings = [Finding(0, what, fate, sentence) for what, fate, sentence in found]
    return [*findings, Finding(0, engine, "engine")]


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help"):
        print("Usage: quire migrate-check SCRIPT.py | COMMAND LINE\n" + (__doc__ or ""), end="")
        return 0
    try:
        if words[0].endswith(".py"):
            findings = check_script(words[0])
        else:
            findings = check_line(split_line(words[0]) if len(words) == 1 else words)
    except (OSError, SyntaxError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for finding in findings:
        print(finding)
    return 1 if any(finding.fate == REFUSED for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
