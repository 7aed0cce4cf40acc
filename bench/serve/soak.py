#!/usr/bin/env python3
"""Starts `quire serve` with the null engine and runs `quire bench soak` against it.

One million requests: bench/serve/soak.py --num-requests 1000000
"""

import argparse
import pathlib
import subprocess
import sys

import server_process

ROOT = server_process.ROOT
MAX_BODY_SIZE = 1 << 20
SERVER_OPTIONS = ["--load-format", "null", "--max-body-size", str(MAX_BODY_SIZE)]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quire", type=pathlib.Path, default=ROOT / "build/release/quire")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/small-chat")
    parser.add_argument("--num-requests", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-growth", type=float, default=0.05)
    parser.add_argument("--output-json", type=pathlib.Path)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    with server_process.start_quire(arguments.quire, arguments.model, *SERVER_OPTIONS) as server:
        command = [
            str(arguments.quire), "bench", "soak",
            "--url", server.url,
            "--pid", str(server.pid),
            "--num-requests", str(arguments.num_requests),
            "--concurrency", str(arguments.concurrency),
            "--max-body-size", str(MAX_BODY_SIZE),
            "--max-growth", str(arguments.max_growth),
            "--seed", str(arguments.seed),
        ]  # fmt: skip
        if arguments.output_json:
            command += ["--output-json", str(arguments.output_json)]
        outcome = subprocess.run(command, check=False).returncode
        if server.process.poll() is not None:
            print("".join(server.lines[-30:]))
            sys.exit("The server ended during the soak.")
        exit_code = server.stop()
    if exit_code != 0:
        sys.exit(f"The server's exit code is {exit_code}.")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
