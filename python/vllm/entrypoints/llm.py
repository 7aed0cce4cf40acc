"""vllm.entrypoints.llm."""

from typing import Any

import quire


def __getattr__(name: str) -> Any:
    if name == "LLM":
        return quire.LLM
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
