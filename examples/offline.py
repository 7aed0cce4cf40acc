"""Complete a few prompts at once.

The prompts share one batch; the results come in their order.
"""

from vllm import LLM, SamplingParams

MODEL = "models/small-chat"  # or any folder or repository, such as Qwen/Qwen3-0.6B

prompts = [
    "Once upon a time",
    "The capital of France is",
    "In a small house by the sea",
]
params = SamplingParams(temperature=0.8, top_p=0.95, max_tokens=32, seed=0)

llm = LLM(model=MODEL)
for output in llm.generate(prompts, params):
    print(f"{output.prompt!r} -> {output.outputs[0].text!r}")
