#!/usr/bin/env python3
"""Figures of the Python package beside the native program that is in the same wheel.

Usage: build/python-tests/venv/bin/python bench/python_figures.py [--rounds N] [--output-json FILE]

Runs with the interpreter of an environment in which quire is installed. Each round takes every
measurement once, in turn, each in a process of its own; the figures are medians with their ranges.
Differences to the native program are those of the runs of one round. CPU time says more than the
clock where other processes run.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROBE = ROOT / "bench/python_probe.py"
NATIVE = "import quire._program; print(quire._program.program())"
LOAD_FORMATS = {"null": "no model", "auto": "small-chat"}

# name -> (goal, whether the figure may be at most that; else at least)
GOALS = {
    "import_seconds": (0.15, True),
    "first_token_seconds": (0.5, True),
    "wheel_mb": (15, True),
    "overhead_us_per_request": (5, True),
    "small_chat_over_native": (1.05, True),
    "async_outputs_per_second": (100_000, False),
}


def probe(*arguments):
    command = [sys.executable, str(PROBE), *map(str, arguments)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def native_generate(program, arguments, load_format, num_requests):
    """Seconds of the call, and CPU seconds of the whole process."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [program, "bench", "throughput", "--model", arguments.model]
        command += ["--load-format", load_format, "--num-prompts", num_requests]
        command += ["--input-len", arguments.input_len, "--output-len", 1]
        command += ["--output-json", file.name]
        environment = os.environ | {"QUIRE_LOGGING_LEVEL": "WARNING"}
        process = subprocess.Popen(
            list(map(str, command)), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(f"{' '.join(map(str, command))} ended with status {status}")
        seconds = json.load(file)["elapsed_time"]
    return {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime}


def compare_generate(program, arguments, load_format):
    """Python and the program with the same requests."""
    number = arguments.num_requests
    start = native_generate(program, arguments, load_format, 1)
    native = native_generate(program, arguments, load_format, number)
    python = probe(
        "generate",
        *("--model", arguments.model, "--load-format", load_format),
        *("--num-requests", number, "--input-len", arguments.input_len),
    )
    native_cpu = native["cpu_seconds"] - start["cpu_seconds"]
    return {
        "native_us_per_request": native["seconds"] / number * 1e6,
        "python_us_per_request": python["seconds"] / number * 1e6,
        "difference_us": (python["seconds"] - native["seconds"]) / number * 1e6,
        "ratio": python["seconds"] / native["seconds"],
        "cpu_difference_us": (python["cpu_seconds"] - native_cpu) / number * 1e6,
    }


def one_round(program, arguments):
    figures = {
        "import_seconds": probe("import")["seconds"],
        "first_token_seconds": probe("first-token", "--model", arguments.model)["seconds"],
    }
    for load_format, name in LOAD_FORMATS.items():
        compared = compare_generate(program, arguments, load_format)
        figures |= {f"generate, {name}: {key}": value for key, value in compared.items()}
    streams = probe(
        "async",
        *("--model", arguments.model, "--num-generators", arguments.num_generators),
        *("--num-tokens", arguments.num_tokens),
    )
    return figures | {f"async_{key}": value for key, value in streams.items()}


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def wheel_megabytes(wheel):
    wheels = [wheel] if wheel else sorted((ROOT / "build/wheels").glob("quire-*.whl"))
    return wheels[-1].stat().st_size / 1e6 if wheels else None


def judge(figures, wheel_mb):
    """name -> (figure, goal, met)"""
    measured = {
        "import_seconds": figures["import_seconds"]["median"],
        "first_token_seconds": figures["first_token_seconds"]["median"],
        "wheel_mb": wheel_mb,
        "overhead_us_per_request": figures["generate, no model: difference_us"]["median"],
        "small_chat_over_native": figures["generate, small-chat: ratio"]["median"],
        "async_outputs_per_second": figures["async_outputs_per_second"]["median"],
    }
    judged = {}
    for name, (goal, is_limit) in GOALS.items():
        value = measured[name]
        met = None if value is None else (value <= goal if is_limit else value >= goal)
        judged[name] = {"figure": value, "goal": goal, "met": met}
    return judged


def machine():
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "glibc": platform.libc_ver()[1],
    }


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="models/small-chat")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--num-requests", type=int, default=10000)
    parser.add_argument("--input-len", type=int, default=16)
    parser.add_argument("--num-generators", type=int, default=1000)
    parser.add_argument("--num-tokens", type=int, default=1000, help="of each generator")
    parser.add_argument("--cycles", type=int, default=1000, help="engines made and deleted")
    parser.add_argument("--wheel", type=pathlib.Path, help="default: that of build/wheels")
    parser.add_argument("--output-json", type=pathlib.Path)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    program = subprocess.run(
        [sys.executable, "-c", NATIVE], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    result = {"machine": machine(), "arguments": {}}
    for name in ("rounds", "num_requests", "input_len", "num_generators", "num_tokens", "cycles"):
        result["arguments"][name] = getattr(arguments, name)
    rounds = []
    for number in range(arguments.rounds):
        rounds.append(one_round(program, arguments))
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
    figures = {name: summary([figures[name] for figures in rounds]) for name in rounds[0]}
    result["goals"] = judge(figures, wheel_megabytes(arguments.wheel))
    result["figures"] = figures
    if arguments.cycles:
        result["lives"] = probe("lives", "--model", arguments.model, "--cycles", arguments.cycles)
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if arguments.output_json:
        arguments.output_json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
