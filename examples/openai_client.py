"""The client library of OpenAI against a server of quire.

Start one first, and give its address if it is another than the usual one:

    quire serve models/small-chat
    python examples/openai_client.py http://localhost:8000/v1
"""

import sys

from openai import OpenAI

url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000/v1"
client = OpenAI(base_url=url, api_key="none")  # the key counts only with --api-key
model = client.models.list().data[0].id
question = [{"role": "user", "content": "Hello, who are you?"}]

answer = client.chat.completions.create(model=model, messages=question, temperature=0)
print(answer.choices[0].message.content)
print(answer.usage)

stream = client.chat.completions.create(
    model=model,
    messages=question,
    temperature=0,
    stream=True,
    extra_body={"top_k": 20, "min_tokens": 4},  # what OpenAI does not have
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
