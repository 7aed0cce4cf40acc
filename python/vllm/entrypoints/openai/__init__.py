"""vllm.entrypoints.openai."""
