"""quire: the vLLM V1 engine in C++, for Python. The package vllm has the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quire._quire import (
    BeamSearchParams,
    RepetitionDetectionParams,
    RequestOutputKind,
    SamplingParams,
    __version__,
)
from quire.drop_in import warn_if_replaced
from quire.outputs import CompletionOutput, Logprob, RequestOutput

if TYPE_CHECKING:
    from quire.llm import LLM

__all__ = [
    "LLM",
    "BeamSearchParams",
    "CompletionOutput",
    "Logprob",
    "RepetitionDetectionParams",
    "RequestOutput",
    "RequestOutputKind",
    "SamplingParams",
    "__version__",
]

warn_if_replaced()


def __getattr__(name: str) -> Any:
    if name == "LLM":  # bound anew at every import, see engine_choice
        from quire.engine_choice import bind_llm

        return bind_llm()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
