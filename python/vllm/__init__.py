"""The drop-in names of vLLM, on the engine of quire."""

from __future__ import annotations

import importlib
from typing import Any

import quire
from quire import (
    BeamSearchParams,
    CompletionOutput,
    RequestOutput,
    SamplingParams,
)
from vllm._alone import check_alone

check_alone()

# The version of vLLM whose behaviour this follows, with quire's own behind the +.
__version__ = f"0.22.1+quire.{quire.__version__}"
__version_tuple__ = (0, 22, 1, f"quire.{quire.__version__}")

__all__ = [
    "LLM",
    "BeamSearchParams",
    "CompletionOutput",
    "RequestOutput",
    "SamplingParams",
    "__version__",
    "__version_tuple__",
]


# Fetched when asked for: LLM and LLMEngine depend on VLLM_USE_V1 at that moment, the others are
# modules that few scripts need.
_LAZY = {
    "LLMEngine": "vllm.engine.llm_engine",
    "AsyncLLMEngine": "vllm.engine.async_llm_engine",
    "EngineArgs": "vllm.engine.arg_utils",
    "AsyncEngineArgs": "vllm.engine.arg_utils",
    "TextPrompt": "vllm.inputs",
    "TokensPrompt": "vllm.inputs",
    "PromptType": "vllm.inputs",
}


def __getattr__(name: str) -> Any:
    if name == "LLM":
        return quire.LLM
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
