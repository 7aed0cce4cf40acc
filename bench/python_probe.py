#!/usr/bin/env python3
"""One measurement of the Python package in a process of its own: prints an object of JSON.

Started by python_figures.py: python_probe.py import | first-token | generate | async | lives …
"""

import argparse
import asyncio
import json
import os
import random
import time


def measure_import(_arguments):
    started = time.perf_counter()
    import vllm  # noqa: F401

    return {"seconds": time.perf_counter() - started}


def measure_first_token(arguments):
    from vllm import LLM, SamplingParams

    started = time.perf_counter()
    llm = LLM(model=arguments.model)
    (output,) = llm.generate("Once upon a time", SamplingParams(max_tokens=1), use_tqdm=False)
    seconds = time.perf_counter() - started
    assert len(output.outputs[0].token_ids) == 1
    return {"seconds": seconds}


def measure_generate(arguments):
    """As `quire bench throughput`: random prompts of token ids, one call, one token each."""
    from vllm import LLM, SamplingParams

    llm = LLM(model=arguments.model, load_format=arguments.load_format)
    pick = random.Random(0)
    prompts = [
        {"prompt_token_ids": [pick.randrange(256, 4000) for _ in range(arguments.input_len)]}
        for _ in range(arguments.num_requests)
    ]
    params = SamplingParams(max_tokens=1, ignore_eos=True)
    cpu, started = time.process_time(), time.perf_counter()
    outputs = llm.generate(prompts, params, use_tqdm=False)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert sum(len(output.outputs[0].token_ids) for output in outputs) == len(prompts)
    return {"seconds": seconds, "cpu_seconds": cpu}


def measure_async(arguments):
    """Generators that all run at once, without a model; merged outputs count once."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind
    from vllm.v1.engine.async_llm import AsyncLLM

    number, num_tokens = arguments.num_generators, arguments.num_tokens
    engine = AsyncLLM(
        model=arguments.model,
        load_format="null",
        max_num_seqs=number,
        max_model_len=num_tokens + 64,
    )
    params = SamplingParams(
        max_tokens=num_tokens, ignore_eos=True, output_kind=RequestOutputKind.DELTA
    )

    async def read(i):
        outputs = tokens = 0
        prompt = {"prompt_token_ids": [i % 4000, 5, 6, 7]}
        async for output in engine.generate(prompt, params, str(i)):
            outputs += 1
            tokens += sum(len(completion.token_ids) for completion in output.outputs)
        assert tokens == num_tokens
        return outputs

    async def read_all():
        cpu, started = time.thread_time(), time.perf_counter()
        outputs = sum(await asyncio.gather(*(read(i) for i in range(number))))
        return outputs, time.perf_counter() - started, time.thread_time() - cpu

    outputs, seconds, cpu = asyncio.run(read_all())
    engine.shutdown()
    return {
        "outputs_per_second": outputs / seconds,
        "tokens_per_second": number * num_tokens / seconds,
        "outputs_per_cpu_second_of_the_loop": outputs / cpu,
        "tokens_per_output": number * num_tokens / outputs,
    }


def resident_mib():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def measure_lives(arguments):
    """Engines that are made, used and deleted, one after the other."""
    from vllm import LLM, SamplingParams

    params = SamplingParams(max_tokens=1)
    memory = {}
    for life in range(1, arguments.cycles + 1):
        llm = LLM(model=arguments.model, max_model_len=128)
        llm.generate("Hello", params, use_tqdm=False)
        del llm
        if life % max(arguments.cycles // 10, 1) == 0:
            memory[life] = round(resident_mib(), 2)
    return {
        "resident_mib_after_cycles": memory,
        "threads_at_the_end": len(os.listdir("/proc/self/task")),
    }


MEASUREMENTS = {
    "import": measure_import,
    "first-token": measure_first_token,
    "generate": measure_generate,
    "async": measure_async,
    "lives": measure_lives,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measurement", choices=MEASUREMENTS)
    parser.add_argument("--model", default="models/small-chat")
    parser.add_argument("--load-format", default="auto")
    parser.add_argument("--num-requests", type=int, default=10000)
    parser.add_argument("--input-len", type=int, default=16)
    parser.add_argument("--num-generators", type=int, default=1000)
    parser.add_argument("--num-tokens", type=int, default=1000)
    parser.add_argument("--cycles", type=int, default=1000)
    arguments = parser.parse_args()
    os.environ["QUIRE_LOGGING_LEVEL"] = "WARNING"
    print(json.dumps(MEASUREMENTS[arguments.measurement](arguments)))


if __name__ == "__main__":
    main()
