"""vllm.logprobs."""

from quire.outputs import Logprob

PromptLogprobs = list[dict[int, Logprob] | None]
SampleLogprobs = list[dict[int, Logprob]]

__all__ = ["Logprob", "PromptLogprobs", "SampleLogprobs"]
