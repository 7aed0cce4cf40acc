"""The public methods of vLLM's engines: each does what vLLM's does, or says what to do instead.

Generation itself is in test_llm.py and test_engines.py, logits processors are in a file of theirs.
"""

import asyncio
import json
import time
from pathlib import Path

import pytest

from vllm import LLM, AsyncLLMEngine, EngineArgs, LLMEngine, RequestOutput, SamplingParams
from vllm.sampling_params import BeamSearchParams
from vllm.v1.engine.async_llm import AsyncLLM

GREEDY = SamplingParams(temperature=0, max_tokens=4)
ENDLESS = SamplingParams(max_tokens=400, ignore_eos=True)
MESSAGES = [{"role": "user", "content": "Hi"}]

POOLING = (
    "Only models that generate text run here: take another engine for embeddings, classes, rewards "
    "and scores."
)
WORKERS = (
    "There are no worker processes and no torch model to call into: read weights from the "
    "checkpoint, and the engine's state from its metrics."
)
UPDATES = "Weights are loaded once, at start: make a new engine for others."
LORA = "LoRA adapters are not supported: merge the adapter into the model."
PROFILER = "There is no profiler inside: run the script under one, as in `perf record -g`."
SCALING = "One process serves one copy of the model: start more of them behind a balancer."

OF_ALL_ENGINES = [
    ("collective_rpc", ("echo",), WORKERS),
    ("start_profile", (), PROFILER),
    ("stop_profile", (), PROFILER),
]
OF_REQUEST_ENGINES = [
    ("add_lora", ("adapter",), LORA),
    ("remove_lora", (1,), LORA),
    ("list_loras", (), LORA),
    ("pin_lora", (1,), LORA),
]
ABSENT = {
    LLM: [
        *OF_ALL_ENGINES,
        ("encode", ("Hello",), POOLING),
        ("embed", (["Hello"],), POOLING),
        ("classify", ("Hello",), POOLING),
        ("reward", ("Hello",), POOLING),
        ("score", ("Hello", ["World"]), POOLING),
        ("apply_model", (print,), WORKERS),
        ("init_weight_transfer_engine", ({},), UPDATES),
        ("start_weight_update", (), UPDATES),
        ("update_weights", ({},), UPDATES),
        ("finish_weight_update", (), UPDATES),
    ],
    LLMEngine: [*OF_ALL_ENGINES, *OF_REQUEST_ENGINES],
    AsyncLLM: [
        *OF_ALL_ENGINES,
        *OF_REQUEST_ENGINES,
        ("encode", ("Hello", None, "a"), POOLING),
        ("scale_elastic_ep", (2,), SCALING),
    ],
}
ABSENT_ROWS = [(cls, *row) for cls, rows in ABSENT.items() for row in rows]

# What works beside those.
OF_SYNCHRONOUS_ENGINES = {
    *("from_engine_args", "get_metrics", "get_tokenizer", "is_sleeping", "reset_mm_cache"),
    *("reset_prefix_cache", "sleep", "wake_up"),
}
PRESENT = {
    LLM: OF_SYNCHRONOUS_ENGINES
    | {
        *("beam_search", "chat", "enqueue", "enqueue_chat", "generate", "wait_for_completion"),
        *("get_default_sampling_params", "get_world_size"),
    },
    LLMEngine: OF_SYNCHRONOUS_ENGINES
    | {
        *("abort_request", "add_request", "get_num_unfinished_requests", "step"),
        "has_unfinished_requests",
    },
    AsyncLLM: {
        *("abort", "generate", "from_engine_args", "get_default_sampling_params", "get_tokenizer"),
        *("check_health", "dead_error", "errored", "is_running", "is_stopped", "shutdown"),
        *("is_paused", "pause_generation", "resume_generation", "wait_for_requests_to_drain"),
        *("is_sleeping", "sleep", "wake_up", "do_log_stats"),
        *("reset_mm_cache", "reset_prefix_cache"),
    },
}


@pytest.fixture(scope="module")
def engines(llm, model):
    """One of each class."""
    of_class = {LLM: llm}
    for cls in (LLMEngine, AsyncLLM):
        of_class[cls] = cls(model=model, max_model_len=256)
    yield of_class
    of_class[AsyncLLM].shutdown()


def called(method, *arguments, **keywords):
    """The result, of a coroutine too."""
    result = method(*arguments, **keywords)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


def value_of(engine, name):
    return next(metric.value for metric in engine.get_metrics() if metric.name == name)


@pytest.mark.parametrize(("cls", "name", "arguments", "instead"), ABSENT_ROWS)
def test_what_is_absent_says_what_to_do_instead(engines, cls, name, arguments, instead):
    with pytest.raises(NotImplementedError) as error:
        called(getattr(engines[cls], name), *arguments)
    assert str(error.value) == instead


@pytest.mark.parametrize("cls", ABSENT)
def test_each_public_name_is_known_to_these_tests(cls):
    absent = {name for name, *_ in ABSENT[cls]}
    public = {name for name in dir(cls) if not name.startswith("_")}
    assert public == absent | PRESENT[cls]
    assert not absent & PRESENT[cls]


@pytest.mark.parametrize("cls", [LLM, LLMEngine, AsyncLLM, AsyncLLMEngine])
def test_engine_args_make_the_engine(cls, model):
    engine = cls.from_engine_args(EngineArgs(model=model, max_model_len=128, max_num_seqs=3))
    assert isinstance(engine, cls)
    assert (engine._native.max_model_len(), engine._native.max_num_seqs()) == (128, 3)


def test_one_process_has_the_model(llm):
    assert llm.get_world_size() == llm.get_world_size(include_dp=False) == 1


@pytest.fixture
def careful_model(model, tmp_path) -> str:
    """The model with a generation_config.json."""
    folder = tmp_path / "careful"
    folder.mkdir()
    for path in Path(model).iterdir():
        (folder / path.name).symlink_to(path)
    config = {"temperature": 0.5, "top_p": 0.8, "top_k": 7, "max_new_tokens": 3}
    (folder / "generation_config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)


def test_the_models_own_sampling_is_the_default(careful_model):
    llm = LLM(model=careful_model, max_model_len=128)
    params = llm.get_default_sampling_params()
    assert (params.temperature, params.top_p, params.top_k) == (0.5, 0.8, 7)
    assert params.max_tokens == 3
    (output,) = llm.generate("Once upon a time", use_tqdm=False)
    assert len(output.outputs[0].token_ids) <= 3
    own = LLM(model=careful_model, max_model_len=128, generation_config="vllm")
    assert own.get_default_sampling_params() == SamplingParams()
    engine = AsyncLLM(model=careful_model, max_model_len=128)
    assert engine.get_default_sampling_params() == params
    engine.shutdown()


@pytest.mark.parametrize("cls", [LLM, LLMEngine, AsyncLLM])
def test_every_engine_has_its_tokenizer(engines, cls):
    tokenizer = called(engines[cls].get_tokenizer)
    ids = tokenizer.encode("Hello world")
    assert tokenizer.decode(ids) == "Hello world"
    assert tokenizer.decode(ids[0]) == "Hello"
    tokens = tokenizer.convert_ids_to_tokens(ids)
    assert tokenizer.convert_tokens_to_ids(tokens) == ids
    assert tokenizer.convert_ids_to_tokens(ids[0]) == tokens[0] == "Hello"
    assert tokenizer.convert_tokens_to_ids("no such token") is None
    assert len(tokenizer) == tokenizer.vocab_size > max(ids)
    end = tokenizer.convert_ids_to_tokens(tokenizer.eos_token_id)
    assert tokenizer.decode([*ids, tokenizer.eos_token_id]) == "Hello world" + end
    skipping = tokenizer.decode([*ids, tokenizer.eos_token_id], skip_special_tokens=True)
    assert skipping == "Hello world"


def test_a_tokenizer_takes_one_text_or_several(llm):
    tokenizer = llm.get_tokenizer()
    one, two = tokenizer.encode("Hello"), tokenizer.encode("Hello world")
    assert tokenizer("Hello") == {"input_ids": one, "attention_mask": [1]}
    both = tokenizer(["Hello", "Hello world"])
    assert both == {"input_ids": [one, two], "attention_mask": [[1], [1, 1]]}
    text = tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
    ids = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True)
    assert tokenizer.encode(text, add_special_tokens=False) == ids
    assert "Hi" in text


@pytest.mark.parametrize("cls", [LLM, LLMEngine, AsyncLLM])
def test_an_engine_without_a_tokenizer_says_so(cls, model):
    engine = cls(model=model, max_model_len=128, skip_tokenizer_init=True)
    with pytest.raises(ValueError, match="skip_tokenizer_init=True: this engine has no tokenizer"):
        called(engine.get_tokenizer)
    if cls is LLM:
        (output,) = engine.generate([5, 6, 7], SamplingParams(max_tokens=2, detokenize=False))
        assert output.outputs[0].text == "" and output.outputs[0].token_ids


def run_alone(engine, prompt):
    """The last output of a request, by steps."""
    engine.add_request("alone", prompt, GREEDY)
    outputs = []
    while engine.has_unfinished_requests():
        outputs += engine.step()
    return outputs[-1]


def test_a_request_engine_forgets_its_prefix_cache(engines):
    engine = engines[LLMEngine]
    prompt = list(range(100, 180))
    assert run_alone(engine, prompt).num_cached_tokens == 0
    assert engine.reset_mm_cache() is None
    assert run_alone(engine, prompt).num_cached_tokens == 64, "there are no images to forget"
    assert engine.reset_prefix_cache()
    assert run_alone(engine, prompt).num_cached_tokens == 0
    with pytest.raises(ValueError, match="reset_connector: there is no KV connector"):
        engine.reset_prefix_cache(reset_connector=True)


def test_a_cache_in_use_is_kept_unless_its_requests_start_anew(engines):
    engine = engines[LLMEngine]
    engine.add_request("a", [7] * 50, SamplingParams(max_tokens=150, ignore_eos=True))
    engine.step()
    assert not engine.reset_prefix_cache()
    assert engine.reset_prefix_cache(reset_running_requests=True)
    outputs = []
    while engine.has_unfinished_requests():
        outputs += engine.step()
    assert len(outputs[-1].outputs[0].token_ids) == 150


def test_an_asynchronous_engine_forgets_its_prefix_cache(engines):
    engine = engines[AsyncLLM]
    prompt = list(range(100, 180))

    async def cached_tokens():
        return [o async for o in engine.generate(prompt, GREEDY, "a")][-1].num_cached_tokens

    async def run():
        counts = [await cached_tokens()]
        assert await engine.reset_mm_cache() is None
        counts.append(await cached_tokens())
        assert await engine.reset_prefix_cache()
        return [*counts, await cached_tokens()]

    assert asyncio.run(run()) == [0, 64, 0]


def test_unfinished_requests_are_counted(engines):
    engine = engines[LLMEngine]
    assert engine.get_num_unfinished_requests() == 0
    for name in ("a", "b", "c"):
        engine.add_request(name, "Hello", ENDLESS)
    assert engine.get_num_unfinished_requests() == 3
    engine.abort_request(["a", "c"])
    assert engine.get_num_unfinished_requests() == 1
    assert {output.request_id for output in engine.step()} == {"b"}
    engine.abort_request("b")
    assert engine.get_num_unfinished_requests() == 0 and engine.step() == []


def test_a_request_engine_has_metrics(engines):
    engine = engines[LLMEngine]
    before = value_of(engine, "vllm:generation_tokens")
    done = run_alone(engine, "Hello")
    made = value_of(engine, "vllm:generation_tokens") - before
    assert made == len(done.outputs[0].token_ids)


@pytest.mark.parametrize(
    ("name", "given", "instead"),
    [
        ("generate", {"lora_request": "a"}, "merge the adapter"),
        ("generate", {"tokenization_kwargs": {"a": 1}}, "give prompt_token_ids"),
        ("enqueue", {"tokenization_kwargs": {"a": 1}}, "give prompt_token_ids"),
        ("chat", {"tokenization_kwargs": {"a": 1}}, "give prompt_token_ids"),
        ("chat", {"mm_processor_kwargs": {"a": 1}}, "only text models run here"),
        ("chat", {"chat_template_content_format": "openai"}, "use auto"),
        ("enqueue_chat", {"mm_processor_kwargs": {"a": 1}}, "only text models run here"),
        ("beam_search", {"lora_request": "a"}, "merge the adapter"),
        ("beam_search", {"use_tqdm": True}, "leave it out"),
        ("beam_search", {"concurrency_limit": 1}, "set that, or give fewer prompts at once"),
        ("reset_prefix_cache", {"reset_connector": True}, "there is no KV connector"),
        ("wake_up", {"tags": ["weights"]}, "wake up together"),
    ],
)
def test_an_argument_without_effect_is_refused_by_its_name(llm, name, given, instead):
    arguments = {
        "generate": ("Hello", GREEDY),
        "enqueue": ("Hello", GREEDY),
        "chat": (MESSAGES, GREEDY),
        "enqueue_chat": (MESSAGES, GREEDY),
        "beam_search": (["Hello"], BeamSearchParams(beam_width=2, max_tokens=2)),
    }
    with pytest.raises(ValueError) as error:
        getattr(llm, name)(*arguments.get(name, ()), **given)
    assert str(error.value).startswith(next(iter(given))) and instead in str(error.value)
    assert llm.wait_for_completion() == [], "nothing was enqueued"


@pytest.mark.parametrize(
    ("cls", "given", "instead"),
    [
        (LLMEngine, {"stat_loggers": [print]}, "read get_metrics()"),
        (AsyncLLM, {"stat_loggers": [print]}, "read get_metrics()"),
        (AsyncLLM, {"start_engine_loop": False}, "an engine runs once it is made"),
    ],
)
def test_so_is_one_of_from_engine_args(cls, given, instead, model):
    with pytest.raises(ValueError) as error:
        cls.from_engine_args(EngineArgs(model=model), **given)
    assert str(error.value).startswith(next(iter(given))) and instead in str(error.value)


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        ({"lora_request": "a"}, "merge the adapter"),
        ({"data_parallel_rank": 1}, "one copy of the model, rank 0"),
        ({"tokenization_kwargs": {"a": 1}}, "give prompt_token_ids"),
    ],
)
def test_so_is_one_of_an_asynchronous_request(engines, given, instead):
    with pytest.raises(ValueError) as error:
        asyncio.run(anext(engines[AsyncLLM].generate("Hello", GREEDY, "a", **given)))
    assert str(error.value).startswith(next(iter(given))) and instead in str(error.value)


def test_what_is_enqueued_comes_in_order(llm):
    assert llm.wait_for_completion() == []
    ids = llm.enqueue(["Hello", [5, 6, 7]], GREEDY)
    ids += llm.enqueue_chat(MESSAGES, GREEDY)
    with pytest.raises(ValueError, match="vocabulary"):
        llm.enqueue(["Hello", [10**9]], GREEDY)
    ids += llm.enqueue("World", GREEDY)
    between = llm.generate("Hello", GREEDY)
    outputs = llm.wait_for_completion(output_type=RequestOutput)
    assert [output.request_id for output in outputs] == ids
    assert outputs[0].prompt == "Hello" and outputs[1].prompt_token_ids == [5, 6, 7]
    assert outputs[0].outputs[0].text == between[0].outputs[0].text
    assert outputs[2].outputs[0].text == llm.chat(MESSAGES, GREEDY)[0].outputs[0].text
    assert outputs[3].prompt == "World" and all(output.finished for output in outputs)
    assert llm.wait_for_completion() == []
    with pytest.raises(ValueError, match="output_type"):
        llm.wait_for_completion(output_type=dict)


def test_a_drain_waits_for_the_last_request(model):
    async def drain():
        engine = AsyncLLM(model=model, max_model_len=256)
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


def test_an_engine_is_well_until_it_is_shut_down(model):
    async def run():
        engine = AsyncLLM(model=model, max_model_len=512)
        assert (engine.is_running, engine.is_stopped, engine.errored) == (True, False, False)
        assert await engine.check_health() is None
        generator = engine.generate("Hello", ENDLESS, "a")
        await anext(generator)
        engine.shutdown()
        engine.shutdown()
        assert [output async for output in generator][-1].outputs[0].finish_reason == "abort"
        assert (engine.is_running, engine.is_stopped, engine.errored) == (False, True, True)
        assert str(engine.dead_error) == "The engine was shut down."
        with pytest.raises(RuntimeError, match=r"The engine was shut down\."):
            await engine.check_health()
        with pytest.raises(RuntimeError, match=r"The engine was shut down\."):
            await anext(engine.generate("Hello", GREEDY, "b"))

    asyncio.run(run())


def test_an_engine_that_died_says_why(model, monkeypatch):
    class Dead:
        def dead_reason(self):
            return "the device is gone"

    engine = AsyncLLM(model=model, max_model_len=128)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "_native", Dead())
        assert (engine.is_running, engine.is_stopped, engine.errored) == (False, True, True)
        assert isinstance(engine.dead_error, RuntimeError)
        with pytest.raises(RuntimeError, match="the device is gone"):
            asyncio.run(engine.check_health())
    assert engine.is_running
    engine.shutdown()


def test_statistics_are_logged_without_being_asked_for(model, monkeypatch, capfd):
    monkeypatch.setenv("VLLM_LOG_STATS_INTERVAL", "0.1")
    engine = AsyncLLM(model=model, max_model_len=256)

    async def read():
        return [output async for output in engine.generate("Hello", GREEDY, "a")]

    assert asyncio.run(read())[-1].finished
    assert asyncio.run(engine.do_log_stats()) is None
    text, patience = "", time.monotonic() + 20
    while "Avg generation throughput" not in text and time.monotonic() < patience:
        time.sleep(0.05)
        text += capfd.readouterr().err
    engine.shutdown()
    assert "Avg prompt throughput" in text and "Avg generation throughput" in text
