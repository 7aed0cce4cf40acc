"""vllm.envs: the environment variables of vLLM, read when they are asked for."""

from __future__ import annotations

import os
from typing import Any

_DEFAULTS: dict[str, Any] = {
    "VLLM_USE_V1": True,
    "VLLM_LOGGING_LEVEL": "INFO",
    "VLLM_MAX_N_SEQUENCES": 16384,
    "VLLM_BATCH_INVARIANT": False,
    "VLLM_ALLOW_LONG_MAX_MODEL_LEN": False,
    "VLLM_CPU_KVCACHE_SPACE": None,
}


def __getattr__(name: str) -> Any:
    if name not in _DEFAULTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    default = _DEFAULTS[name]
    text = os.environ.get(name)
    if text is None:
        return default
    if isinstance(default, bool):
        return text.lower() in ("1", "true")
    return int(text) if isinstance(default, int) or name.endswith("_SPACE") else text


def is_set(name: str) -> bool:
    return name in os.environ
