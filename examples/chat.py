"""A conversation of several turns. Each turn computes only what the one before has not."""

from vllm import LLM, SamplingParams

MODEL = "models/small-chat"

llm = LLM(model=MODEL)
params = SamplingParams(temperature=0, max_tokens=80)
messages = []

for question in ("Hello, who are you?", "I am hungry.", "Tell me a short story."):
    messages.append({"role": "user", "content": question})
    (output,) = llm.chat(messages, params, use_tqdm=False)
    answer = output.outputs[0].text
    messages.append({"role": "assistant", "content": answer})

    num_cached, num_tokens = output.num_cached_tokens, len(output.prompt_token_ids)
    print(f"You:   {question}\nModel: {answer}")
    print(f"       ({num_cached} of {num_tokens} prompt tokens came from the prefix cache)\n")
