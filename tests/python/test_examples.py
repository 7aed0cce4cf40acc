"""Each file of examples/ runs as it is, and shows what it is there to show."""

import os
import re
import subprocess
import sys

import pytest

from conftest import MODEL, ROOT
from serving import program, serve

EXAMPLES = ROOT / "examples"


def run(name: str, *arguments: str) -> str:
    """What the example prints."""
    environment = {k: v for k, v in os.environ.items() if k != "VLLM_USE_V1"}
    result = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_example_has_a_test():
    with open(__file__, encoding="utf-8") as file:
        run_here = set(re.findall(r'run\("(\w+\.py)"', file.read()))
    assert run_here == {path.name for path in EXAMPLES.glob("*.py")}


def test_offline():
    lines = run("offline.py").splitlines()
    assert [line.split("->")[0].strip() for line in lines] == [
        "'Once upon a time'",
        "'The capital of France is'",
        "'In a small house by the sea'",
    ]


def test_chat_reuses_the_turns_before():
    output = run("chat.py")
    assert "I am a very small language model" in output
    counts = [int(n) for n in re.findall(r"\((\d+) of \d+ prompt tokens", output)]
    assert counts[0] == 0 and counts[1] > 0 and counts[2] > counts[1]


def test_async():
    output = run("async.py")
    assert "early: heard enough" in output
    for name in "ab":
        pieces = re.findall(rf"^{name}: (.*)$", output, re.MULTILINE)
        assert 1 < len(pieces) <= 25


def test_prefix_caching():
    output = run("prefix_caching.py")
    cached = [int(n) for n in re.findall(r"(\d+) of \d+ tokens were cached", output)]
    assert cached[0] == 0 and min(cached[1:]) >= 128
    assert re.search(r"hit rate: [1-9]\d%", output)
    assert "under another salt: 0 tokens were cached" in output


def test_v0_vs_v1():
    output = run("v0_vs_v1.py")
    assert re.search(r"V0: [\d.]+ s, 0 tokens cached", output)
    assert re.search(r"V1: [\d.]+ s, [1-9]\d+ tokens cached", output)
    assert "same texts: True" in output


def test_tools():
    lines = run("tools.py").splitlines()
    assert '"FindRestaurants"' in lines[0]
    assert "Agrodolce Osteria" in lines[1]
    assert lines[2].startswith("model: ") and "restaurant" in lines[2]


def test_openai_client():
    pytest.importorskip("openai", reason="the client library of OpenAI is not installed")
    with serve([program("quire"), "serve", MODEL]) as server:
        output = run("openai_client.py", server.url + "/v1")
    first, usage, streamed = output.splitlines()
    assert "very small language model" in first
    assert "prompt_tokens=" in usage
    assert streamed == first
