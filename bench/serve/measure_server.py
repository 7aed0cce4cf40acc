#!/usr/bin/env python3
"""Measures the server: `quire serve` with the null engine beside a FastAPI stub, and small-chat.

The server runs with all its threads on one core, the client on another. Both servers take turns,
so that what the machine does meanwhile hits both. Writes bench/results/serve.json and prints the
table of docs/performance.md.
"""

import argparse
import contextlib
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import server_process

ROOT = server_process.ROOT
STREAMS = 256
OPEN_STREAMS = 8000
SECONDS_WITHOUT_GROWTH = 6  # then the engine has made all outputs of the open streams
TARGETS = {
    "sse_events_per_second": 150_000,
    "requests_per_second": 25_000,
    "added_latency_p99_ms": 1.0,
    "memory_of_8000_streams_mib": 160.0,
    "times_the_stub": 10.0,
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quire", type=pathlib.Path, default=ROOT / "build/release/quire")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/small-chat")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a short trial, not to be published")
    parser.add_argument("--no-stub", action="store_true", help="measure quire alone")
    parser.add_argument("--no-small-chat", action="store_true", help="leave out the real model")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "bench/results/serve.json")
    return parser.parse_args()


class Client:
    """`quire bench serve`, on its core."""

    def __init__(self, arguments):
        self.arguments = arguments

    def run(self, server, model, *options):
        with tempfile.TemporaryDirectory() as folder:
            command = [
                str(self.arguments.quire), "bench", "serve", "--base-url", server.url,
                "--tokenizer", str(self.arguments.model), "--served-model-name", model,
                "--dataset-name", "random", "--ignore-eos", "--disable-tqdm",
                "--percentile-metrics", "ttft,itl,e2el", "--metric-percentiles", "50,99",
                "--save-result", "--result-dir", folder, "--result-filename", "result.json",
                *map(str, options),
            ]  # fmt: skip
            core = self.arguments.client_core
            outcome = subprocess.run(
                server_process.on_core(core, command), check=False, capture_output=True, text=True
            )
            if outcome.returncode != 0:
                raise RuntimeError(outcome.stdout + outcome.stderr)
            return json.loads(pathlib.Path(folder, "result.json").read_text(encoding="utf-8"))

    def streams(self, server, model, num_requests, num_tokens):
        result = self.run(
            server, model, "--max-concurrency", STREAMS, "--num-prompts", num_requests,
            "--num-warmups", STREAMS, "--random-input-len", 8, "--random-output-len", num_tokens,
        )  # fmt: skip
        # Usage and [DONE] are no tokens.
        num_events = result["num_stream_events"] - 2 * result["completed"]
        return num_events / result["duration"]

    def requests(self, server, model, num_requests):
        result = self.run(
            server, model, "--no-stream", "--max-concurrency", 64, "--num-prompts", num_requests,
            "--num-warmups", 64, "--random-input-len", 8, "--random-output-len", 1,
        )  # fmt: skip
        return result["request_throughput"]

    def latency(self, server, model, rate, seconds):
        """Of requests for one token of an engine that takes no time: what the server adds."""
        return self.run(
            server, model, "--no-stream", "--request-rate", rate,
            "--num-prompts", max(100, int(rate * seconds)), "--num-warmups", 64,
            "--random-input-len", 8, "--random-output-len", 1,
        )  # fmt: skip


def stream_request(server, model, num_tokens):
    body = json.dumps(
        {
            "model": model,
            "prompt": "x",
            "max_tokens": num_tokens,
            "ignore_eos": True,
            "stream": True,
        }
    )
    return (
        f"POST /v1/completions HTTP/1.1\r\nHost: {server.url[7:]}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def memory_of_streams(server, model, number, num_tokens):
    """MiB that streams take whose readers read nothing: many wait, the others have full buffers."""
    port = int(server.url.rsplit(":", 1)[1])
    request = stream_request(server, model, num_tokens)
    before = server.resident_bytes()
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", port))
            connection.sendall(request)
        most = before
        last_growth = time.monotonic()
        while time.monotonic() < last_growth + SECONDS_WITHOUT_GROWTH:
            now = server.resident_bytes()
            if now > most:
                most, last_growth = now, time.monotonic()
            time.sleep(0.05)
    return (most - before) / (1 << 20)


def measure_round(client, servers, sizes, results):
    for name, (server, model) in servers.items():
        numbers = results.setdefault(name, {})

        def note(key, value, numbers=numbers, name=name):
            numbers.setdefault(key, []).append(value)
            print(f"  {name}: {key} {value:.2f}", flush=True)

        scale = sizes["stub_scale"] if name == "stub" else 1
        streams = client.streams(server, model, sizes["streams"] // scale, sizes["tokens"])
        note("sse_events_per_second", streams)
        rate = client.requests(server, model, sizes["requests"] // scale)
        note("requests_per_second", rate)
        latency = client.latency(server, model, rate / 2, sizes["seconds"])
        note("added_latency_p50_ms", latency["p50_e2el_ms"])
        note("added_latency_p99_ms", latency["p99_e2el_ms"])


def measure_null(arguments, client, sizes):
    core = arguments.server_core
    results = {}
    with contextlib.ExitStack() as stack:
        quire = server_process.start_quire(
            arguments.quire, arguments.model, "--load-format", "null",
            "--served-model-name", "null", "--max-num-seqs", str(STREAMS), core=core,
        )  # fmt: skip
        servers = {"quire": (stack.enter_context(quire), "null")}
        if not arguments.no_stub:
            stub = stack.enter_context(server_process.start_stub(core))
            servers["stub"] = (stub, "stub")
        for number in range(sizes["rounds"]):
            print(f"round {number + 1} of {sizes['rounds']}", flush=True)
            measure_round(client, servers, sizes, results)
    with server_process.start_quire(
        arguments.quire, arguments.model, "--load-format", "null", "--served-model-name", "null",
        core=core,
    ) as server:  # fmt: skip
        client.requests(server, "null", 1000)  # the server's own memory has its size then
        memory = memory_of_streams(server, "null", sizes["open_streams"], 1024)
        results["quire"]["memory_of_8000_streams_mib"] = [memory]
        print(f"  quire: {sizes['open_streams']} streams take {memory:.1f} MiB", flush=True)
    return results


def measure_small_chat(arguments, client, sizes):
    with server_process.start_quire(
        arguments.quire, arguments.model, "--served-model-name", "small-chat"
    ) as server:
        result = client.run(
            server, "small-chat", "--max-concurrency", 16, "--num-prompts", sizes["small_chat"],
            "--num-warmups", 4, "--random-input-len", 64, "--random-output-len", 64,
        )  # fmt: skip
    keys = ("output_throughput", "request_throughput", "p50_ttft_ms", "p99_ttft_ms", "p99_itl_ms")
    return {key: result[key] for key in keys}


def summary(results):
    medians = {
        name: {key: statistics.median(values) for key, values in numbers.items()}
        for name, numbers in results.items()
    }
    if "stub" in medians:
        medians["quire"]["times_the_stub"] = (
            medians["quire"]["sse_events_per_second"] / medians["stub"]["sse_events_per_second"]
        )
    return medians


def table(medians, small_chat, num_open_streams):
    names = {
        "sse_events_per_second": f"token events per second, {STREAMS} streams",
        "requests_per_second": "requests per second, one token each, no stream",
        "added_latency_p99_ms": "added latency at half that rate, p99, ms",
        "memory_of_8000_streams_mib": f"memory of {num_open_streams} slow streams, MiB",
        "times_the_stub": "times the stub's events per second",
    }
    lines = ["| null engine, server on one core | goal | quire | stub |", "|---|---|---|---|"]
    for key, name in names.items():
        cells = [medians.get(server, {}).get(key) for server in ("quire", "stub")]
        forms = [",.4g" if cell is not None and cell < 1e4 else ",.0f" for cell in cells]
        shown = ["" if c is None else f"{c:{form}}" for c, form in zip(cells, forms)]
        lines.append(f"| {name} | {TARGETS[key]:,} | {shown[0]} | {shown[1]} |")
    if small_chat:
        lines += ["", "| small-chat, 16 streams | |", "|---|---|"]
        lines += [f"| {key} | {value:.4g} |" for key, value in small_chat.items()]
    return "\n".join(lines)


def main():
    arguments = parse_arguments()
    server_process.allow_many_files()
    quick = arguments.quick
    sizes = {
        "rounds": 1 if quick else arguments.rounds,
        "streams": 512 if quick else 8192,
        "tokens": 64 if quick else 256,
        "requests": 5_000 if quick else 100_000,
        "seconds": 1 if quick else 5,
        "stub_scale": 8,
        "open_streams": 500 if quick else OPEN_STREAMS,
        "small_chat": 16 if quick else 128,
    }
    client = Client(arguments)
    results = measure_null(arguments, client, sizes)
    small_chat = None if arguments.no_small_chat else measure_small_chat(arguments, client, sizes)
    medians = summary(results)
    print(table(medians, small_chat, sizes["open_streams"]))
    report = {
        "sizes": sizes,
        "rounds": results,
        "median": medians,
        "small_chat": small_chat,
        "goals": TARGETS,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
