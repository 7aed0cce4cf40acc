"""The model calls a function, and answers with what it gave.

Offline the call is in the text, in the model's own format: here a JSON object between two tags. A
server reads it with `quire serve --enable-auto-tool-choice --tool-call-parser hermes`.
"""

import json
import re

from vllm import LLM, SamplingParams

MODEL = "models/small-chat"


def find_restaurants(city: str, cuisine: str) -> list[dict]:
    """What a real program would look up."""
    return [{"restaurant_name": "Agrodolce Osteria", "city": city, "cuisine": cuisine}]


FUNCTIONS = {"FindRestaurants": find_restaurants}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "FindRestaurants",
            "description": "Find a restaurant of a particular cuisine in a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "cuisine": {"type": "string"}},
                "required": ["city", "cuisine"],
            },
        },
    }
]

llm = LLM(model=MODEL)
params = SamplingParams(temperature=0, max_tokens=100)


def answer(messages: list[dict]) -> str:
    (output,) = llm.chat(messages, params, tools=TOOLS, use_tqdm=False)
    return output.outputs[0].text


messages = [{"role": "user", "content": "Find me an Italian restaurant in Berkeley."}]
text = answer(messages)
print("model:", text.replace("\n", " "))

for call in map(json.loads, re.findall(r"<tool_call>\s*(.*?)\s*</tool_call>", text, re.DOTALL)):
    result = FUNCTIONS[call["name"]](**call["arguments"])
    print("tool: ", result)
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
    messages += [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call-1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call-1", "content": json.dumps(result)},
    ]

print("model:", answer(messages))
