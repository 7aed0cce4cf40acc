#!/usr/bin/env python3
"""Figures of the whole process: from its start to the first token, its memory, its size on disk.

Usage: bench/process_figures.py build/release/quire [--model DIR] [--runs N] [--output-json FILE]

The process generates one token and ends, so its wall time is an upper bound of the time to the
first token. Memory is the peak of resident pages, which has the touched part of the KV cache in it.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time


def run_once(command):
    """Wall seconds and peak resident MiB of one run."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if status != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return seconds, usage.ru_maxrss / 1024


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def stripped_bytes(program):
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(program, folder)
        subprocess.run(["strip", copy], check=True)
        return os.path.getsize(copy)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--model", default="models/small-chat")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--output-json")
    arguments = parser.parse_args()
    command = [arguments.program, "generate", "--model", arguments.model]
    command += ["--prompt", "Once upon a time", "--temperature", "0", "--max-tokens", "1"]
    run_once(command)
    runs = [run_once(command) for _ in range(arguments.runs)]
    result = {
        "start_to_first_token_seconds": summary([seconds for seconds, _ in runs]),
        "peak_resident_mib": summary([mib for _, mib in runs]),
        "stripped_program_bytes": stripped_bytes(arguments.program),
        "runs": arguments.runs,
    }
    print(json.dumps(result, indent=2))
    if arguments.output_json:
        with open(arguments.output_json, "w") as file:
            json.dump(result, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
