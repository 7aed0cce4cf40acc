"""The V0 and the V1 engine, both alive in one process.

VLLM_USE_V1 counts when the name LLM is fetched. Tokens are the same under both; times differ most
where prompts share a beginning, which V1 computes once. `quire bench compare-engines` measures it
properly.
"""

import os
import time

os.environ["VLLM_USE_V1"] = "0"
from vllm import LLM as LLM_V0

os.environ["VLLM_USE_V1"] = "1"
from vllm import LLM as LLM_V1
from vllm import SamplingParams

MODEL = "models/small-chat"

rules = (
    "You help guests of a hotel. Be short and friendly, and never promise what you cannot keep. "
)
prompts = [f"{rules * 12}\nGuest {number}: Where is my room?\nYou:" for number in range(32)]
params = SamplingParams(temperature=0, max_tokens=8)

texts = {}
for name, engine_class in (("V0", LLM_V0), ("V1", LLM_V1)):
    llm = engine_class(model=MODEL, seed=0)
    llm.generate(prompts[0], params, use_tqdm=False)  # warm
    begin = time.perf_counter()
    outputs = llm.generate(prompts[1:], params, use_tqdm=False)
    seconds = time.perf_counter() - begin
    texts[name] = [output.outputs[0].text for output in outputs]
    print(f"{name}: {seconds:.3f} s, {sum(o.num_cached_tokens for o in outputs)} tokens cached")

print("same texts:", texts["V0"] == texts["V1"])
