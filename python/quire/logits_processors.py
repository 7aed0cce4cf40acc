"""Rules of one's own over the next token: LLM(logits_processors=[…]), in vLLM's shapes.

A processor is a function, a subclass of AdapterLogitsProcessor, a subclass of LogitsProcessor, or
the text "module:name" of one. Logits are numpy arrays of float32, changed in place.
"""

from __future__ import annotations

import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from quire._quire import NativeEngine, NativeLLM, SamplingParams

# (output_token_ids, logits) or (prompt_token_ids, output_token_ids, logits). It changes the logits
# [vocab_size], or returns others.
RequestLogitsProcessor = Callable[..., Any]

NOT_PER_REQUEST = (
    "vLLM V1 does not support per request user provided logits processors. Give them to "
    "LLM(logits_processors=[…]), or take the V0 engine with VLLM_USE_V1=0."
)
NO_READER = (
    "extra_args: nothing reads them: this engine has no logits_processors. Give them to "
    "LLM(logits_processors=[…]), or leave extra_args out."
)


class MoveDirectionality(Enum):
    """Of BatchUpdate.moved. Here nothing ever moves."""

    UNIDIRECTIONAL = auto()
    SWAP = auto()


@dataclass(frozen=True)
class BatchUpdate:
    """How a batch differs from that of the last step.

    added: (row, params, prompt_token_ids, output_token_ids), where the last list grows.
    """

    batch_size: int
    removed: Sequence[int]
    added: Sequence[tuple[int, SamplingParams, list[int] | None, list[int]]]
    moved: Sequence[tuple[int, int, MoveDirectionality]]


class LogitsProcessor(ABC):
    """A rule for batches. Here each completion is a batch of one row, with an object of its own.

    vllm_config: model_config with model and max_model_len, scheduler_config with max_num_seqs.
    device: "cpu". is_pin_memory: False.
    """

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """ValueError for extra_args that make no sense."""
        return

    @abstractmethod
    def __init__(self, vllm_config: Any, device: str, is_pin_memory: bool) -> None: ...

    @abstractmethod
    def apply(self, logits: np.ndarray) -> np.ndarray:
        """logits [1, vocab_size]: changed in place, or others are returned."""

    @abstractmethod
    def is_argmax_invariant(self) -> bool:
        """Must be False: the rule is applied before penalties and temperature, greedy or not."""

    @abstractmethod
    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Before each apply; None: the row is the one of the last step."""


class AdapterLogitsProcessor(LogitsProcessor):
    """Makes a function for each completion that wants one."""

    def __init__(self, vllm_config: Any, device: str, is_pin_memory: bool) -> None:
        pass

    @abstractmethod
    def new_req_logits_processor(self, params: SamplingParams) -> RequestLogitsProcessor | None:
        """None: the rule leaves this request alone, and its tokens cost nothing more."""

    def apply(self, logits: np.ndarray) -> np.ndarray:
        return logits

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        pass


class Processors:
    """Those of an engine: makes the functions that the engine calls for a request."""

    def __init__(self, native: NativeLLM | NativeEngine, model: str, given: Sequence[Any] | None):
        if given is not None and not isinstance(given, (list, tuple)):
            raise TypeError(f"logits_processors must be a list, got {given!r}.")
        # No way back to the engine: it must end when its last user lets go of it.
        self._uses_v0 = native.uses_v0()
        config = _vllm_config(native, model)
        self._makers = [_maker(_load(one), config) for one in given or []]
        self.serves_all = bool(self._makers)

    def for_request(self, params: SamplingParams) -> list[Callable[..., None]]:
        """One function per completion, or none if no rule is for this request."""
        own = [_as_function(one) for one in self._own(params)]
        if params.extra_args is not None and not self._makers:
            raise ValueError(NO_READER)
        all_made = []
        for _ in range(params.n):
            made = [function for make in self._makers if (function := make(params)) is not None]
            all_made.append(_chain(made + own))
        return all_made if any(one is not None for one in all_made) else []

    def _own(self, params: SamplingParams) -> list[RequestLogitsProcessor]:
        own = params.logits_processors or []
        if own and not self._uses_v0:
            raise ValueError(NOT_PER_REQUEST)
        return own


def _maker(
    given: Any, config: SimpleNamespace
) -> Callable[[SamplingParams], Callable[..., None] | None]:
    if not inspect.isclass(given):
        function = _as_function(given)
        return lambda params: function
    if not issubclass(given, LogitsProcessor):
        raise TypeError(
            f"logits_processors: {given.__name__} must be a function or a subclass of "
            "vllm.v1.sample.logits_processor.LogitsProcessor."
        )
    example = _new(given, config)
    if example.is_argmax_invariant():
        raise ValueError(
            f"logits_processors: {given.__name__}.is_argmax_invariant() must return False: "
            "rules are applied before penalties and temperature here, greedy or not."
        )
    if isinstance(example, AdapterLogitsProcessor):
        return lambda params: _adapted(example, params)
    return lambda params: _batch_of_one(given, config, params)


def _new(cls: type[LogitsProcessor], config: SimpleNamespace) -> LogitsProcessor:
    return cls(config, "cpu", False)


def _adapted(adapter: AdapterLogitsProcessor, params: SamplingParams) -> Callable[..., None] | None:
    adapter.validate_params(params)
    function = adapter.new_req_logits_processor(params)
    return None if function is None else _as_function(function)


def _batch_of_one(
    cls: type[LogitsProcessor], config: SimpleNamespace, params: SamplingParams
) -> Callable[..., None]:
    cls.validate_params(params)
    processor = _new(cls, config)
    has_begun = False

    def apply(prompt_ids: list[int], output_ids: list[int], logits: np.ndarray) -> None:
        nonlocal has_begun
        added = [] if has_begun else [(0, params, prompt_ids, output_ids)]
        processor.update_state(None if has_begun else BatchUpdate(1, [], added, []))
        has_begun = True
        rows = logits.reshape(1, -1)
        _take(rows, processor.apply(rows))

    return apply


def _vllm_config(native: NativeLLM | NativeEngine, model: str) -> SimpleNamespace:
    return SimpleNamespace(
        model_config=SimpleNamespace(model=model, max_model_len=native.max_model_len()),
        scheduler_config=SimpleNamespace(max_num_seqs=native.max_num_seqs()),
    )


def _load(given: Any) -> Any:
    """The object that "module:name" names, and others as they are."""
    try:
        importlib.import_module("numpy")  # what logits come as
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "logits_processors get logits as numpy arrays: pip install numpy."
        ) from None
    if not isinstance(given, str):
        return given
    module, colon, name = given.partition(":")
    if not (module and colon and name):
        raise ValueError(
            f"logits_processors: {given!r} must be a class, a function or module:name."
        )
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"logits_processors: {given!r} cannot be loaded: {error}") from error


def _as_function(given: Any) -> Callable[..., None]:
    """As the engine calls it: with both lists of token ids and the logits."""
    if not callable(given):
        raise TypeError(f"logits_processors: {given!r} is not callable.")
    takes_prompt = len(inspect.signature(given).parameters) == 3

    def apply(prompt_ids: list[int], output_ids: list[int], logits: np.ndarray) -> None:
        ids = (prompt_ids, output_ids) if takes_prompt else (output_ids,)
        _take(logits, given(*ids, logits))

    return apply


def _take(logits: np.ndarray, returned: Any) -> None:
    """Logits that were returned instead of changed."""
    if returned is None or returned is logits:
        return
    if getattr(returned, "shape", None) != logits.shape:
        raise TypeError(
            f"A logits processor must return None or logits of shape {logits.shape}, "
            f"got {type(returned).__name__}."
        )
    logits[...] = returned


def _chain(functions: list[Callable[..., None]]) -> Callable[..., None] | None:
    if len(functions) < 2:
        return functions[0] if functions else None

    def apply(*arguments: Any) -> None:
        for function in functions:
            function(*arguments)

    return apply
