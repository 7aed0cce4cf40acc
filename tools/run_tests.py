#!/usr/bin/env python3
"""Runs the stages of `make test` and `make test-all` and closes with one line that counts all.

Every stage prints its own closing line. What was skipped is listed by name with its reason. The
exit code is 1 when anything failed.
"""

import argparse
import pathlib
import sys
import time

import result_file
import source_tree
import test_stages
from test_results import Results

ROOT = source_tree.ROOT

STAGES = {
    "lint": test_stages.lint,
    "tools": test_stages.tools,
    "rust": test_stages.rust,
    "release": test_stages.release,
    "clients": test_stages.clients,
    "asan-ubsan": test_stages.asan_ubsan,
    "tsan": test_stages.tsan,
    "python": test_stages.python,
    "fuzz": test_stages.fuzz,
    "page": test_stages.page,
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "stages", nargs="+", choices=STAGES, metavar="STAGE", help=", ".join(STAGES)
    )
    parser.add_argument(
        "--long",
        action="store_true",
        help="also tests with the label long, every test under sanitizers, 5 minutes a fuzz target",
    )
    parser.add_argument(
        "--result", type=pathlib.Path, help="keep the result of each stage in this file"
    )
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    total = Results()
    closing_lines = []
    for stage in arguments.stages:
        print(f"\n=== {stage}", flush=True)
        started = time.monotonic()
        results = STAGES[stage](arguments.long)
        total.add(results)
        line = f"{stage}: {results.counts()} ({time.monotonic() - started:.0f} s)"
        closing_lines.append(line)
        print(line, flush=True)
        if arguments.result:
            path = ROOT / arguments.result
            result_file.update(path, stage, line, results.listing(), STAGES)

    print("\n=== all")
    lines = closing_lines + total.listing() + [total.counts()]
    print("\n".join(lines))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
