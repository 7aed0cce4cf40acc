"""The public methods of vLLM's engines: each works, or says why it is not here."""

import asyncio
import inspect

import pytest

from vllm import LLM, AsyncLLMEngine, LLMEngine, RequestOutput, SamplingParams
from vllm.v1.engine.async_llm import AsyncLLM

WORKS = "works"
POOLING = "Only models that generate text run here"
WORKERS = "There are no worker processes"
UPDATES = "Weights are loaded once"
LORA = "LoRA adapters are not supported"
PROFILER = "There is no profiler inside"

LLM_METHODS = {
    **dict.fromkeys(
        [
            "generate",
            "enqueue",
            "wait_for_completion",
            "chat",
            "enqueue_chat",
            "beam_search",
            "reset_prefix_cache",
            "reset_mm_cache",
            "sleep",
            "wake_up",
            "get_metrics",
            "get_tokenizer",
            "get_world_size",
            "get_default_sampling_params",
            "from_engine_args",
        ],
        WORKS,
    ),
    **dict.fromkeys(["encode", "embed", "classify", "reward", "score"], POOLING),
    **dict.fromkeys(["collective_rpc", "apply_model"], WORKERS),
    **dict.fromkeys(
        [
            "init_weight_transfer_engine",
            "start_weight_update",
            "update_weights",
            "finish_weight_update",
        ],
        UPDATES,
    ),
    **dict.fromkeys(["start_profile", "stop_profile"], PROFILER),
}

LLM_ENGINE_METHODS = {
    **dict.fromkeys(
        [
            "add_request",
            "step",
            "abort_request",
            "has_unfinished_requests",
            "get_num_unfinished_requests",
            "from_engine_args",
            "reset_prefix_cache",
            "reset_mm_cache",
            "sleep",
            "wake_up",
            "is_sleeping",
            "get_metrics",
            "get_tokenizer",
        ],
        WORKS,
    ),
    **dict.fromkeys(["add_lora", "remove_lora", "list_loras", "pin_lora"], LORA),
    "collective_rpc": WORKERS,
    **dict.fromkeys(["start_profile", "stop_profile"], PROFILER),
}

ASYNC_LLM_METHODS = {
    **dict.fromkeys(
        [
            "generate",
            "abort",
            "pause_generation",
            "resume_generation",
            "is_paused",
            "check_health",
            "do_log_stats",
            "sleep",
            "wake_up",
            "is_sleeping",
            "reset_prefix_cache",
            "reset_mm_cache",
            "wait_for_requests_to_drain",
            "is_running",
            "is_stopped",
            "errored",
            "dead_error",
            "get_tokenizer",
            "shutdown",
            "from_engine_args",
        ],
        WORKS,
    ),
    "encode": POOLING,
    **dict.fromkeys(["add_lora", "remove_lora", "list_loras", "pin_lora"], LORA),
    "collective_rpc": WORKERS,
    "scale_elastic_ep": "One process serves one copy of the model",
    **dict.fromkeys(["start_profile", "stop_profile"], PROFILER),
}

TABLES = {LLM: LLM_METHODS, LLMEngine: LLM_ENGINE_METHODS, AsyncLLM: ASYNC_LLM_METHODS}
ROWS = [(cls, *row) for cls, table in TABLES.items() for row in table.items()]


@pytest.mark.parametrize(("cls", "name", "fate"), ROWS, ids=lambda value: str(value)[:40])
def test_nothing_is_silently_missing(cls, name, fate):
    method = inspect.getattr_static(cls, name)
    if fate == WORKS:
        assert inspect.getdoc(getattr(cls, name)) or name in dir(cls)
        return

    def call():
        result = method(cls.__new__(cls))
        if inspect.iscoroutine(result):
            asyncio.run(result)

    with pytest.raises(NotImplementedError, match=fate):
        call()


@pytest.mark.parametrize("cls", TABLES)
def test_the_tables_have_every_public_name(cls):
    assert {name for name in dir(cls) if not name.startswith("_")} - set(TABLES[cls]) <= {
        "is_sleeping",
        "get_default_sampling_params",
        "shutdown",
    }
    assert issubclass(AsyncLLMEngine, AsyncLLM)


def test_what_is_enqueued_comes_in_order(llm):
    params = SamplingParams(temperature=0, max_tokens=4)
    assert llm.wait_for_completion() == []
    ids = llm.enqueue(["Hello", [5, 6, 7]], params)
    messages = [{"role": "user", "content": "Hi"}]
    ids += llm.enqueue_chat(messages, params)
    with pytest.raises(ValueError, match="vocabulary"):
        llm.enqueue(["Hello", [10**9]], params)
    ids += llm.enqueue("World", params)
    between = llm.generate("Hello", params)
    outputs = llm.wait_for_completion(output_type=RequestOutput)
    assert [output.request_id for output in outputs] == ids
    assert outputs[0].prompt == "Hello" and outputs[1].prompt_token_ids == [5, 6, 7]
    assert outputs[0].outputs[0].text == between[0].outputs[0].text
    assert outputs[2].outputs[0].text == llm.chat(messages, params)[0].outputs[0].text
    assert outputs[3].prompt == "World" and all(output.finished for output in outputs)
    assert llm.wait_for_completion() == []
    with pytest.raises(ValueError, match="output_type"):
        llm.wait_for_completion(output_type=dict)


def test_a_drain_waits_for_the_last_request(model):
    async def drain():
        engine = AsyncLLM(model=model, max_model_len=256)
        await engine.do_log_stats()
        await engine.wait_for_requests_to_drain()

        async def read(request_id, max_tokens):
            params = SamplingParams(max_tokens=max_tokens, ignore_eos=True)
            async for output in engine.generate("Hello", params, request_id):
                last = output
            return last

        task = asyncio.create_task(read("a", 100))
        await asyncio.sleep(0)
        await engine.wait_for_requests_to_drain()
        assert (await task).finished
        await engine.pause_generation(mode="keep")
        task = asyncio.create_task(read("b", 2))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError, match=r"still run after 0\.05 seconds"):
            await engine.wait_for_requests_to_drain(0.05)
        await engine.resume_generation()
        assert (await task).finished
        engine.shutdown()

    asyncio.run(drain())
