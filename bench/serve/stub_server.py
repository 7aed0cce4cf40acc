"""A FastAPI server with OpenAI's protocol and no model: what a Python front end costs alone.

Each token is one event, made as a Python front end makes it: a dictionary, json.dumps, yield.
"""

import asyncio
import json
import time
import uuid

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

MODEL = "stub"
app = FastAPI()


@app.get("/v1/models")
async def models():
    return {"object": "list", "data": [{"id": MODEL, "object": "model", "max_model_len": 2048}]}


def chunk(identity, created, choices, usage=None):
    body = {
        "id": identity,
        "object": "text_completion",
        "created": created,
        "model": MODEL,
        "choices": choices,
    }
    if usage:
        body["usage"] = usage
    return body


def choice(text, finish_reason):
    return {
        "index": 0,
        "text": text,
        "logprobs": None,
        "finish_reason": finish_reason,
        "stop_reason": None,
    }


async def events(identity, created, num_tokens, usage):
    for token in range(num_tokens):
        reason = "length" if token + 1 == num_tokens else None
        yield f"data: {json.dumps(chunk(identity, created, [choice(' token', reason)]))}\n\n"
        await asyncio.sleep(0)  # the next stream's turn, as after a step of an engine
    yield f"data: {json.dumps(chunk(identity, created, [], usage))}\n\n"
    yield "data: [DONE]\n\n"


@app.post("/v1/completions")
async def completions(request: Request):
    body = await request.json()
    num_tokens = int(body.get("max_tokens", 16))
    num_prompt_tokens = len(str(body.get("prompt", "")).split())
    usage = {
        "prompt_tokens": num_prompt_tokens,
        "total_tokens": num_prompt_tokens + num_tokens,
        "completion_tokens": num_tokens,
    }
    identity = f"cmpl-{uuid.uuid4().hex}"
    created = int(time.time())
    if body.get("stream"):
        return StreamingResponse(
            events(identity, created, num_tokens, usage), media_type="text/event-stream"
        )
    return chunk(identity, created, [choice(" token" * num_tokens, "length")], usage)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=0, access_log=False)
