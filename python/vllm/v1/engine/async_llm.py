"""vllm.v1.engine.async_llm."""

from quire.async_llm import AsyncLLM

__all__ = ["AsyncLLM"]
