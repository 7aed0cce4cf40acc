"""vllm.engine.async_llm_engine."""

from quire.async_llm import AsyncLLM as AsyncLLMEngine

__all__ = ["AsyncLLMEngine"]
