"""Prompts that begin alike: what they share is computed once.

Nothing has to be switched on. Whole blocks of 16 tokens are shared, so a common beginning shorter
than that saves nothing.
"""

from vllm import LLM, SamplingParams

MODEL = "models/small-chat"

rules = (
    "You help guests of a hotel. Be short and friendly, and never promise what you cannot keep. "
)
questions = ["Where can I have breakfast?", "Is there a pool?", "When must I leave?"]
prompts = [f"{rules * 8}\nGuest: {question}\nYou:" for question in questions]
params = SamplingParams(temperature=0, max_tokens=16)

llm = LLM(model=MODEL)
for prompt in prompts:  # one after another: each finds what those before it have left
    (output,) = llm.generate(prompt, params, use_tqdm=False)
    print(f"{output.num_cached_tokens:4} of {len(output.prompt_token_ids)} tokens were cached")

# The engine counts for itself, as /metrics of a server does.
metrics = {metric.name: metric for metric in llm.get_metrics()}
hits, queries = (metrics[f"vllm:prefix_cache_{name}"].value for name in ("hits", "queries"))
print(f"hit rate: {hits / queries:.0%}")

# Tenants that must not learn from each other's timing get a salt of their own.
(output,) = llm.generate({"prompt": prompts[0], "cache_salt": "tenant-2"}, params, use_tqdm=False)
print(f"under another salt: {output.num_cached_tokens} tokens were cached")
