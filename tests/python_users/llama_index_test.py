"""LlamaIndex's Vllm class runs on this package."""

import asyncio

from llama_index.core.llms import ChatMessage
from llama_index.llms.vllm import Vllm
from users import MODEL


def test_it_completes_and_chats():
    llm = Vllm(
        model=MODEL,
        temperature=0,
        max_new_tokens=12,
        vllm_kwargs={"max_model_len": 256, "swap_space": 1, "gpu_memory_utilization": 0.1},
    )
    text = llm.complete("Once upon a time").text
    assert text and asyncio.run(llm.acomplete("Once upon a time")).text == text
    answer = llm.chat([ChatMessage(role="user", content="Hello, who are you?")])
    assert answer.message.role == "assistant" and answer.message.content
