"""Which engine a name is bound to: V0 or V1, by VLLM_USE_V1 when the name is fetched."""

from __future__ import annotations

from quire.engine_args import scheduler_of_environment
from quire.llm import LLM

_BOUND: dict[str, type[LLM]] = {}


def bind_llm() -> type[LLM]:
    """The LLM class for the engine that the environment names now.

    One class per engine, so that two names fetched under different values live side by side. With
    VLLM_USE_V1 unset the class decides when it is built.
    """
    scheduler = scheduler_of_environment()
    if scheduler is None:
        return LLM
    if scheduler not in _BOUND:
        _BOUND[scheduler] = type(
            "LLM", (LLM,), {"_bound_scheduler": scheduler, "__module__": LLM.__module__}
        )
    return _BOUND[scheduler]
