"""LLMEngine by steps, AsyncLLM in an event loop."""

import argparse
import asyncio

import pytest

from vllm import EngineArgs, LLMEngine, SamplingParams
from vllm.engine.async_llm_engine import AsyncLLMEngine
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM

GREEDY = SamplingParams(temperature=0, max_tokens=8, ignore_eos=True)


def test_steps_give_the_outputs_of_all_requests(model):
    engine = LLMEngine.from_engine_args(EngineArgs(model=model, max_model_len=128))
    for name in ("a", "b"):
        engine.add_request(name, "Hello world", GREEDY)
    finished = {}
    while engine.has_unfinished_requests():
        for output in engine.step():
            if output.finished:
                finished[output.request_id] = output.outputs[0].token_ids
    assert finished.keys() == {"a", "b"}
    assert finished["a"] == finished["b"] and len(finished["a"]) == 8
    assert engine.step() == []


def test_an_aborted_request_is_no_longer_unfinished(model):
    engine = LLMEngine(model=model, max_model_len=512)
    engine.add_request("a", "Hello", SamplingParams(max_tokens=400, ignore_eos=True))
    engine.abort_request("a")
    assert not engine.has_unfinished_requests()
    with pytest.raises(TypeError, match="prompt"):
        engine.add_request("b", 5, GREEDY)


@pytest.mark.parametrize(
    "given",
    [
        {"arrival_time": 1.0},
        {"lora_request": "adapter"},
        {"tokenization_kwargs": {"truncation": True}},
        {"trace_headers": {"traceparent": "0"}},
    ],
)
def test_arguments_without_effect_are_refused(model, given):
    engine = LLMEngine(model=model, max_model_len=128)
    with pytest.raises(ValueError, match=next(iter(given))):
        engine.add_request("a", "Hello", GREEDY, **given)
    assert not engine.has_unfinished_requests()


def test_the_asynchronous_engine_refuses_them_too(model):
    async def run():
        engine = AsyncLLM(model=model, max_model_len=128)
        with pytest.raises(ValueError, match="trace_headers"):
            async for _ in engine.generate("Hello", GREEDY, "a", trace_headers={"a": "b"}):
                pass
        with pytest.raises(ValueError, match="reset_connector"):
            await engine.reset_prefix_cache(reset_connector=True)
        engine.shutdown()

    asyncio.run(run())


def test_a_sleeping_engine_steps_once_it_is_awake(model):
    engine = LLMEngine(model=model, max_model_len=128)
    engine.sleep()
    assert engine.is_sleeping()
    engine.add_request("a", "Hello", GREEDY)
    engine.wake_up()
    assert not engine.is_sleeping()
    while engine.has_unfinished_requests():
        last = engine.step()
    assert last[-1].finished and len(last[-1].outputs[0].token_ids) == 8


def test_engine_args_keep_what_was_set(model):
    args = EngineArgs(model=model, max_model_len=128)
    assert args.as_kwargs() == {"model": model, "max_model_len": 128}
    assert args.block_size is None
    with pytest.raises(TypeError, match="max_modellen"):
        EngineArgs(model=model, max_modellen=128)


def parse(line):
    parser = EngineArgs.add_cli_args(argparse.ArgumentParser())
    return EngineArgs.from_cli_args(parser.parse_args(line.split())).as_kwargs()


def test_engine_args_of_a_command_line_have_the_types_of_their_options():
    line = (
        "--model m --revision 1234567 --tokenizer true --max-model-len 128 --seed 7 "
        "--gpu-memory-utilization 1 --enable-prefix-caching off --async-scheduling true"
    )
    args = parse(line)
    assert args == {
        "model": "m",
        "revision": "1234567",
        "tokenizer": "true",
        "max_model_len": 128,
        "seed": 7,
        "gpu_memory_utilization": 1.0,
        "enable_prefix_caching": False,
        "async_scheduling": True,
    }
    assert type(args["gpu_memory_utilization"]) is float
    assert parse("") == {"model": "models/small-chat"}


@pytest.mark.parametrize(
    "line", ["--max-model-len 1.5", "--swap-space much", "--async-scheduling 2"]
)
def test_engine_args_of_another_type_are_refused_with_the_option(line, capsys):
    with pytest.raises(SystemExit):
        parse(line)
    assert f"argument {line.split()[0]}: " in capsys.readouterr().err


@pytest.fixture
def engine(model):
    engine = AsyncLLM(model=model, max_model_len=512)
    yield engine
    engine.shutdown()


async def collect(engine, request_id, params=GREEDY, prompt="Hello world"):
    return [output async for output in engine.generate(prompt, params, request_id)]


def test_cumulative_outputs_grow_and_deltas_add_up(engine):
    async def run():
        delta = SamplingParams(
            temperature=0, max_tokens=8, ignore_eos=True, output_kind=RequestOutputKind.DELTA
        )
        return await asyncio.gather(collect(engine, "a"), collect(engine, "b", delta))

    cumulative, deltas = asyncio.run(run())
    lengths = [len(output.outputs[0].text) for output in cumulative]
    assert lengths == sorted(lengths) and cumulative[-1].finished
    text = "".join(output.outputs[0].text for output in deltas if output.outputs)
    assert text == cumulative[-1].outputs[0].text


def test_many_generators_at_once(engine):
    async def run():
        jobs = [collect(engine, str(i), prompt=[5, 6, 7, i % 50]) for i in range(200)]
        return await asyncio.gather(*jobs)

    results = asyncio.run(run())
    assert all(outputs[-1].finished for outputs in results)
    assert all(len(outputs[-1].outputs[0].token_ids) == 8 for outputs in results)


def test_leaving_the_loop_aborts_the_request(engine):
    async def run():
        endless = SamplingParams(max_tokens=400, ignore_eos=True)
        generator = engine.generate("Hello", endless, "a")
        await anext(generator)
        await generator.aclose()
        return await collect(engine, "a")  # the id is free again

    assert asyncio.run(run())[-1].finished


def test_cancelling_the_task_aborts_the_request(engine):
    async def run():
        endless = SamplingParams(max_tokens=400, ignore_eos=True)
        task = asyncio.create_task(collect(engine, "a", endless))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await collect(engine, "a")

    assert asyncio.run(run())[-1].finished


def test_a_second_event_loop_may_use_the_engine(engine):
    for _ in range(2):
        assert asyncio.run(collect(engine, "a"))[-1].finished


def test_abort_ends_the_iterator(engine):
    async def run():
        endless = SamplingParams(max_tokens=400, ignore_eos=True)
        task = asyncio.create_task(collect(engine, "a", endless))
        await asyncio.sleep(0.05)
        await engine.abort("a")
        return await task

    assert asyncio.run(run())[-1].outputs[0].finish_reason == "abort"


def test_bad_requests_raise_where_they_are_made(engine):
    with pytest.raises(ValueError, match="prompt"):
        asyncio.run(collect(engine, "a", prompt=""))
    assert asyncio.run(collect(engine, "b"))


def test_pause_holds_new_requests(engine):
    async def run():
        await engine.pause_generation()
        assert await engine.is_paused()
        task = asyncio.create_task(collect(engine, "a"))
        await asyncio.sleep(0.1)
        assert not task.done()
        await engine.resume_generation()
        return await task

    assert asyncio.run(run())[-1].finished


def test_a_request_waits_while_the_engine_sleeps(engine):
    async def run():
        await engine.sleep()
        assert await engine.is_sleeping()
        task = asyncio.create_task(collect(engine, "a"))
        await asyncio.sleep(0.1)
        assert not task.done()
        await engine.wake_up()
        return await task

    assert asyncio.run(run())[-1].finished


def test_the_old_name_is_the_same_class():
    assert AsyncLLMEngine is AsyncLLM
