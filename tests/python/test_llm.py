"""LLM: prompts in, completions out."""

import gc
import os
import signal
import threading
import time

import pytest

from vllm import LLM, SamplingParams
from vllm.sampling_params import BeamSearchParams
from vllm.v1.metrics.reader import Counter, Gauge, Histogram

GREEDY = SamplingParams(temperature=0, max_tokens=8)


def texts(outputs):
    return [output.outputs[0].text for output in outputs]


@pytest.fixture(autouse=True)
def interrupts():
    """Ctrl-C raises, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_every_form_of_a_prompt_gives_the_same(llm):
    ids = llm.get_tokenizer().encode("Hello world")
    (text,) = texts(llm.generate("Hello world", GREEDY, use_tqdm=False))
    assert text
    forms = ["Hello world", ids, {"prompt": "Hello world"}, {"prompt_token_ids": ids}]
    assert texts(llm.generate(forms, GREEDY)) == [text] * 4
    assert texts(llm.generate(ids, GREEDY)) == [text]


def test_results_come_in_the_order_of_the_prompts(llm):
    prompts = [f"Number {i} is" for i in range(40)]
    outputs = llm.generate(prompts, GREEDY)
    assert [output.prompt for output in outputs] == prompts
    assert all(output.finished and output.outputs[0].finish_reason for output in outputs)


def test_each_prompt_may_have_its_own_params(llm):
    params = [SamplingParams(temperature=0, max_tokens=n, ignore_eos=True) for n in (1, 4)]
    lengths = [len(o.outputs[0].token_ids) for o in llm.generate(["Hello", "Hello"], params)]
    assert lengths == [1, 4]
    with pytest.raises(ValueError, match="must be the same"):
        llm.generate(["Hello"], params)
    with pytest.raises(ValueError, match="must be the same"):
        llm.generate(["Hello"], GREEDY, priority=[1, 2])


def test_logprobs_are_dicts_by_token_id(llm):
    params = SamplingParams(temperature=0, max_tokens=3, logprobs=2, prompt_logprobs=1)
    (output,) = llm.generate("Hello world", params)
    completion = output.outputs[0]
    assert len(completion.logprobs) == len(completion.token_ids)
    for token_id, candidates in zip(completion.token_ids, completion.logprobs, strict=True):
        assert candidates[token_id].rank == 1
        assert candidates[token_id].logprob <= 0
        assert isinstance(candidates[token_id].decoded_token, str)
    assert output.prompt_logprobs[0] is None
    assert len(output.prompt_logprobs) == len(output.prompt_token_ids)
    pairs = zip(completion.token_ids, completion.logprobs, strict=True)
    total = sum(candidates[token_id].logprob for token_id, candidates in pairs)
    assert completion.cumulative_logprob == pytest.approx(total, abs=1e-4)


def test_reprs_look_like_those_of_vllm(llm):
    (output,) = llm.generate("Hello", SamplingParams(temperature=0, max_tokens=1))
    text = repr(output)
    assert text.startswith("RequestOutput(request_id=")
    assert "outputs=[CompletionOutput(index=0, text=" in text
    assert "finish_reason=length, stop_reason=None)]" in text


def test_a_stop_string_is_the_stop_reason(llm):
    (text,) = texts(llm.generate("Once upon a time", GREEDY))
    stop = text.strip().split()[-1]
    params = SamplingParams(temperature=0, max_tokens=8, stop=[stop])
    (output,) = llm.generate("Once upon a time", params)
    assert output.outputs[0].stop_reason == stop
    assert stop not in output.outputs[0].text


def test_chat_renders_the_models_template(llm):
    messages = [{"role": "user", "content": "Hi, who are you?"}]
    (output,) = llm.chat(messages, GREEDY)
    tokenizer = llm.get_tokenizer()
    rendered = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    assert output.prompt_token_ids == rendered
    assert len(llm.chat([messages, messages], GREEDY)) == 2


def test_chat_takes_another_template(llm):
    messages = [{"role": "user", "content": "Hi"}]
    template = "{{ bos_token }}{% for message in messages %}<<{{ message.content }}>>{% endfor %}"
    (output,) = llm.chat(messages, GREEDY, chat_template=template)
    assert output.prompt.endswith("<<Hi>>") and "user" not in output.prompt
    tokenizer = llm.get_tokenizer()
    ids = tokenizer.apply_chat_template(messages, chat_template=template)
    assert output.prompt_token_ids == ids
    with pytest.raises(ValueError, match="template"):
        llm.chat(messages, GREEDY, chat_template="{% for %}")


def test_beam_search_is_sorted(llm):
    (output,) = llm.beam_search(["Hello"], BeamSearchParams(beam_width=3, max_tokens=4))
    scores = [sequence.cum_logprob for sequence in output.sequences]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)


def test_a_second_prompt_with_the_same_prefix_hits_the_cache(llm):
    assert llm.reset_prefix_cache()
    prefix = list(range(100, 180))
    first, second = (llm.generate([*prefix, n], GREEDY)[0].num_cached_tokens for n in (5, 6))
    assert (first, second) == (0, 80)


def test_metrics_count_what_was_generated(llm):
    def value(name):
        (metric,) = [m for m in llm.get_metrics() if m.name == name]
        return metric

    before = value("vllm:generation_tokens").value
    llm.generate(["Hello", "Hello"], SamplingParams(max_tokens=5, ignore_eos=True))
    assert value("vllm:generation_tokens").value - before == 10
    assert isinstance(value("vllm:generation_tokens"), Counter)
    assert isinstance(value("vllm:kv_cache_usage_perc"), Gauge)
    latency = value("vllm:e2e_request_latency_seconds")
    assert isinstance(latency, Histogram)
    assert latency.buckets["+Inf"] == latency.count > 0 and latency.sum > 0
    assert latency.labels["engine"] == "0"


def test_generate_leaves_the_garbage_collector_as_it_was(llm):
    collections = []
    gc.callbacks.append(lambda phase, info: collections.append(phase))
    try:
        llm.generate(["a"] * 400, SamplingParams(max_tokens=1), use_tqdm=False)
        assert len(collections) <= 4, "it searched while outputs were made"
        assert gc.isenabled()
        gc.disable()
        llm.generate("a", SamplingParams(max_tokens=1), use_tqdm=False)
        assert not gc.isenabled()
    finally:
        gc.callbacks.pop()
        gc.enable()


def test_sleep_lasts_until_wake_up(model):
    llm = LLM(model=model, max_model_len=256)
    prompt = [7] * 100
    llm.generate(prompt, GREEDY)
    llm.sleep()
    assert llm.is_sleeping()
    with pytest.raises(RuntimeError, match="wake_up"):
        llm.generate(prompt, GREEDY)
    with pytest.raises(ValueError, match="tags"):
        llm.wake_up(tags=["weights"])
    llm.wake_up()
    assert not llm.is_sleeping()
    assert llm.generate(prompt, GREEDY)[0].num_cached_tokens == 0
    with pytest.raises(ValueError, match="level"):
        llm.sleep(level=2)
    with pytest.raises(ValueError, match="mode must be abort, wait or keep, got 'now'"):
        llm.sleep(mode="now")


def test_bad_prompts_are_refused_and_nothing_else_is_lost(llm):
    for prompt, error in [
        (5, TypeError),
        ({"text": "a"}, TypeError),
        (["Hello", None], TypeError),
        ("", ValueError),
        ([10**9], ValueError),
        ([1] * 600, ValueError),
        ({"prompt_embeds": [1.0]}, ValueError),
    ]:
        with pytest.raises(error):
            llm.generate(prompt, GREEDY)
    assert texts(llm.generate("Hello", GREEDY))


def test_unknown_and_impossible_options_are_named(model):
    with pytest.raises(TypeError, match="max_modellen"):
        LLM(model=model, max_modellen=5)
    with pytest.raises(TypeError, match="max_num_seqs"):
        LLM(model=model, max_num_seqs="many")
    with pytest.raises(ValueError, match="tensor_parallel_size=2 is not supported"):
        LLM(model=model, tensor_parallel_size=2)
    with pytest.raises(ValueError, match=r"num_scheduler_steps=8 is not supported\. Multi-step"):
        LLM(model=model, num_scheduler_steps=8)
    with pytest.raises(ValueError, match=r"max_loras=2 is not supported\. Adapters"):
        LLM(model=model, max_loras=2)
    with pytest.raises(ValueError, match="block_size"):
        LLM(model=model, block_size=3)
    with pytest.raises(ValueError, match="no-such-folder"):
        LLM(model="./no-such-folder")


def test_options_with_one_possible_value_are_taken(model):
    llm = LLM(
        model=model,
        tensor_parallel_size=1,
        dtype="torch.bfloat16",
        enforce_eager=True,
        trust_remote_code=True,
        enable_lora=False,
        cpu_offload_gb=0.0,
        quantization=None,
        compilation_config={},
        distributed_executor_backend="uni",
        max_model_len=256,
    )
    assert texts(llm.generate("Hello", GREEDY))


def test_ctrl_c_ends_generate_and_leaves_the_engine_usable(llm):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    endless = SamplingParams(max_tokens=400, ignore_eos=True)
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        llm.generate([[5, 6, 7]] * 2000, endless)
    assert time.monotonic() - begin < 20
    assert texts(llm.generate("Hello", GREEDY))


def test_ctrl_c_ends_a_beam_search(llm):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        llm.beam_search(["Hello"] * 200, BeamSearchParams(beam_width=4, max_tokens=400))
    assert time.monotonic() - begin < 20
    assert texts(llm.generate("Hello", GREEDY))


def test_other_threads_run_while_it_generates(llm):
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.002)

    thread = threading.Thread(target=tick)
    thread.start()
    llm.generate([[5, 6, 7]] * 64, SamplingParams(max_tokens=64, ignore_eos=True))
    done.set()
    thread.join()
    assert len(ticks) > 10


def test_ctrl_c_ends_the_wait_and_aborts_what_was_enqueued(llm):
    def gauge(name):
        return next(m.value for m in llm.get_metrics() if m.name == name)

    llm.enqueue([[5, 6, 7]] * 500, SamplingParams(max_tokens=400, ignore_eos=True))
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        llm.wait_for_completion()
    assert texts(llm.generate("Hello", GREEDY))
    assert gauge("vllm:num_requests_running") == gauge("vllm:num_requests_waiting") == 0
    assert llm.wait_for_completion() == []
