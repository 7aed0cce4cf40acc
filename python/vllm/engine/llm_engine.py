"""LLMEngine on the V0 scheduler, and by VLLM_USE_V1 the one that the name stands for."""

from __future__ import annotations

from typing import Any

import quire.llm_engine
from quire.engine_args import scheduler_of_environment


class _V0LLMEngine(quire.llm_engine.LLMEngine):
    """The engine with V0's scheduler."""

    _bound_scheduler = "v0"


_V0LLMEngine.__name__ = _V0LLMEngine.__qualname__ = "LLMEngine"


def __getattr__(name: str) -> Any:
    if name != "LLMEngine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if scheduler_of_environment() == "v0":
        return _V0LLMEngine
    from vllm.v1.engine.llm_engine import LLMEngine

    return LLMEngine
