#!/usr/bin/env python3
"""Hits of a prompt trace in vLLM V1's prefix cache, counted anew: the oracle of `quire bench
replay-trace`. It knows no tokens and no hashes, only the trace's own block ids.

The rules: blocks of 512 tokens; only full blocks are cached; at most (length - 1) // 512 blocks of a
prompt are hit; the block that is not full takes memory too; blocks are freed from the last to the
first; the block that was freed longest ago is handed out first, and forgets what it held; block 0 is
never handed out. One request at a time, and nothing is generated.

    tools/replay_oracle.py TRACE [--num-blocks N ...] [--output-json FILE]
    tools/replay_oracle.py TRACE --check RESULT   # a file that --output-json of replay-trace wrote
"""

import argparse
import json
import sys
from collections import OrderedDict

BLOCK_TOKENS = 512


def read_trace(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


class Chains:
    """Numbers for block contents: a block is the same if it and all before it are."""

    def __init__(self):
        self.numbers = {}

    def of(self, request):
        numbers = []
        number = None
        for hash_id in request["hash_ids"][: request["input_length"] // BLOCK_TOKENS]:
            number = self.numbers.setdefault((number, hash_id), len(self.numbers))
            numbers.append(number)
        return numbers


class Cache:
    def __init__(self, num_blocks):
        self.free = OrderedDict.fromkeys(range(1, num_blocks))  # longest ago first
        self.content_of = {}  # block -> number
        self.blocks_with = {}  # number -> {block: None}, in the order of caching

    def hits(self, numbers, limit):
        blocks = []
        for number in numbers[:limit]:
            if number not in self.blocks_with:
                break
            blocks.append(next(iter(self.blocks_with[number])))
        return blocks

    def take_oldest(self):
        block, _ = self.free.popitem(last=False)
        number = self.content_of.pop(block, None)
        if number is not None:
            holders = self.blocks_with[number]
            del holders[block]
            if not holders:
                del self.blocks_with[number]
        return block

    def serve(self, numbers, length):
        table = self.hits(numbers, (length - 1) // BLOCK_TOKENS)
        num_hits = len(table)
        for block in table:
            del self.free[block]
        num_held = -(-length // BLOCK_TOKENS)
        table += [self.take_oldest() for _ in range(num_held - num_hits)]
        for block, number in list(zip(table, numbers))[num_hits:]:
            self.content_of[block] = number
            self.blocks_with.setdefault(number, {})[block] = None
        for block in reversed(table):
            self.free[block] = None
        return num_hits


def replay(trace, num_blocks):
    if num_blocks == 0:
        num_blocks = 1 + sum(-(-request["input_length"] // BLOCK_TOKENS) for request in trace)
    chains = Chains()
    cache = Cache(num_blocks)
    result = {"num_blocks": num_blocks, "num_requests": len(trace), "num_refused_requests": 0}
    num_full = num_hits = 0
    for request in trace:
        length = request["input_length"]
        num_full += length // BLOCK_TOKENS
        if -(-length // BLOCK_TOKENS) > num_blocks - 1:
            result["num_refused_requests"] += 1
            continue
        num_hits += cache.serve(chains.of(request), length)
    result["num_prompt_tokens"] = sum(request["input_length"] for request in trace)
    result["num_full_blocks"] = num_full
    result["num_hit_blocks"] = num_hits
    result["block_hit_rate"] = num_hits / num_full if num_full else 0.0
    return result


def paged_waste(trace, block_size):
    num_slots = num_tokens = 0
    for request in trace:
        for length in range(
            request["input_length"], request["input_length"] + request["output_length"] + 1
        ):
            num_slots += -(-length // block_size) * block_size
            num_tokens += length
    return 1 - num_tokens / num_slots


def contiguous_waste(trace):
    longest = max(request["input_length"] + request["output_length"] for request in trace)
    num_slots = num_tokens = 0
    for request in trace:
        first, steps = request["input_length"], request["output_length"] + 1
        num_slots += longest * steps
        num_tokens += sum(range(first, first + steps))
    return 1 - num_tokens / num_slots


def problems_of(trace, told):
    """What a result of replay-trace says otherwise."""
    counted = replay(trace, told["num_blocks"])
    problems = [
        f"{name}: {told[name]}, counted {value}"
        for name, value in counted.items()
        if abs(told[name] - value) > 1e-12
    ]
    for row in told["kv_slots_without_token"]:
        is_paged = row["allocator"] == "paged"
        share = paged_waste(trace, row["block_size"]) if is_paged else contiguous_waste(trace)
        if abs(row["share"] - share) > 1e-9:
            problems.append(f"{row}: counted {share}")
    return problems


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trace")
    parser.add_argument(
        "--num-blocks",
        type=int,
        nargs="+",
        default=[0],
        help="with block 0; 0: as many as are needed",
    )
    parser.add_argument("--output-json")
    parser.add_argument("--check", metavar="RESULT")
    options = parser.parse_args()
    trace = read_trace(options.trace)
    if options.check:
        with open(options.check, encoding="utf-8") as file:
            problems = problems_of(trace, json.load(file))
        print("\n".join(problems) or "the result is right")
        return 1 if problems else 0
    results = [replay(trace, num_blocks) for num_blocks in options.num_blocks]
    for result in results:
        print(
            f"{result['num_blocks']} blocks: {result['num_hit_blocks']} of "
            f"{result['num_full_blocks']} blocks hit ({100 * result['block_hit_rate']:.3f} %)"
        )
    if options.output_json:
        with open(options.output_json, "w", encoding="utf-8") as file:
            json.dump(
                {
                    "results": results,
                    "paged_waste_16": paged_waste(trace, 16),
                    "contiguous_waste": contiguous_waste(trace),
                },
                file,
                indent=1,
            )
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
