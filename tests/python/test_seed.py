"""Each code block of a guide to vLLM's V1 engine runs as printed.

The guide lies beside a checkout and not in it: without it these tests are skipped. So that its
models need no download, their names stand for the bundled one.
"""

import os
import re
import subprocess
import sys

import pytest

from conftest import MODEL, ROOT
from serving import program, serve

GUIDE = ROOT / "../shared/seed/vllm-v1-engine.txt"
ALIASES = f"meta-llama/Llama-2-7b-chat-hf={MODEL},model={MODEL}"

pytestmark = pytest.mark.skipif(
    not GUIDE.exists(), reason="needs the folder shared/ beside the checkout"
)

# First and last line of every block that is Python.
PYTHON_BLOCKS = {
    "enable": ("# Python API", 'llm = LLM(model="meta-llama/Llama-2-7b-chat-hf")'),
    "verify": ("import os", 'print(f"Engine: {LLMEngine.__module__}")'),
    "prefix": (
        "import os",
        'output2 = llm.generate("Long context prefix... different continuation")',
    ),
    "compare": ("import time", 'print(f"Speedup: {v0_time/v1_time:.2f}x")'),
    "gradual": (
        "# Keep V0 as default, use V1 for specific workloads",
        'batch_llm = LLM_V0(model="model")',
    ),
    "detect": ("import os", "LLMEngine = get_llm_class()"),
    "shared": (
        "import os",
        "outputs = llm.generate(conversations, SamplingParams(max_tokens=100))",
    ),
    "block_size": (
        "# Verify prefix caching is enabled",
        "# Check cache hit rate (if metrics available)",
    ),
}


def block(name: str) -> str:
    """The lines of a block: up to its last line, from the nearest first line before it."""
    first, last = PYTHON_BLOCKS[name]
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    ends = [i for i, line in enumerate(lines) if line == last]
    end = ends[-1] if name != "enable" else ends[0]
    begin = max(i for i in range(end) if lines[i] == first)
    if name in ("verify", "prefix", "shared", "detect"):
        assert lines[begin] == "import os"
    return "\n".join(lines[begin : end + 1]) + "\n"


def run(code: str, **variables: str) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if k != "VLLM_USE_V1"}
    environment |= {"QUIRE_MODEL_ALIASES": ALIASES, **variables}
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def run_well(code: str, **variables: str) -> str:
    result = run(code, **variables)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_step_1_enables_v1():
    code = block("enable") + "print(llm._native.uses_v0())\n"
    assert run_well(code) == "False\n"


def test_step_2_verifies_that_v1_is_active():
    assert run_well(block("verify"), VLLM_USE_V1="1") == (
        "V1 enabled: 1\nEngine: vllm.v1.engine.llm_engine\n"
    )
    assert "Engine: vllm.engine.llm_engine" in run_well(block("verify"), VLLM_USE_V1="0")


def test_step_3_generates_twice_from_one_prefix():
    show = "print(len(output1[0].outputs[0].token_ids), len(output2[0].outputs[0].token_ids))\n"
    first, second = map(int, run_well(block("prefix") + show).split())
    assert first > 0 and second > 0


def test_step_3_with_a_prefix_longer_than_a_block_hits_the_cache():
    code = block("prefix").replace("Long context prefix... ", "Long context prefix... " * 20)
    show = "print(output1[0].num_cached_tokens, output2[0].num_cached_tokens)\n"
    first, second = map(int, run_well(code + show).split())
    assert first == 0
    assert second >= 64 and second % 16 == 0


def test_step_4_compares_the_engines():
    output = run_well(block("compare"))
    ratio = float(re.search(r"Speedup: ([\d.]+)x", output)[1])
    assert ratio > 0
    print(output)


def test_pattern_1_has_both_engines_alive():
    show = "print(chat_llm._native.uses_v0(), batch_llm._native.uses_v0())\n"
    assert run_well(block("gradual") + show) == "False True\n"


@pytest.mark.parametrize(
    ("value", "module"),
    [("0", "vllm.engine.llm_engine"), ("1", "vllm.v1.engine.llm_engine")],
)
def test_pattern_2_finds_the_class(value, module):
    code = block("detect") + "print(LLMEngine.__module__)\n"
    assert run_well(code, VLLM_USE_V1=value) == module + "\n"


def test_pattern_3_uses_a_name_that_it_never_defines():
    result = run(block("shared"))
    assert result.returncode == 1
    assert "NameError: name 'system_prefix' is not defined" in result.stderr


def test_pattern_3_computes_the_common_prompt_once():
    code = block("shared").replace("{system_prefix}", "{system_prompt}")
    show = "print([output.num_cached_tokens for output in llm.generate(conversations)])\n"
    cached = run_well(code + show)
    assert min(map(int, re.findall(r"\d+", cached))) >= 16


def test_the_last_block_needs_its_import():
    result = run(block("block_size"))
    assert "NameError: name 'LLM' is not defined" in result.stderr
    code = "from vllm import LLM\n" + block("block_size") + "print(len(llm.generate('Hello')))\n"
    assert run_well(code) == "1\n"


def test_the_version_is_printed():
    assert 'python -c "import vllm; print(vllm.__version__)"' in GUIDE.read_text(encoding="utf-8")
    assert run_well("import vllm; print(vllm.__version__)").startswith("0.22.1+quire.")


def test_step_1_serves():
    """export VLLM_USE_V1=1; vllm serve meta-llama/Llama-2-7b-chat-hf"""
    text = GUIDE.read_text(encoding="utf-8")
    assert "export VLLM_USE_V1=1" in text
    assert "vllm serve meta-llama/Llama-2-7b-chat-hf" in text
    variables = {"VLLM_USE_V1": "1", "QUIRE_MODEL_ALIASES": ALIASES}
    with serve([program("vllm"), "serve", "meta-llama/Llama-2-7b-chat-hf"], variables) as server:
        models = server.get("/v1/models")
        assert models["data"][0]["id"] == "meta-llama/Llama-2-7b-chat-hf"


@pytest.mark.parametrize("command", ["pip install --upgrade vllm", "npx skills add"])
def test_commands_that_install_from_outside_are_not_run(command):
    assert command in GUIDE.read_text(encoding="utf-8")
    pytest.skip(f"`{command}` would install something from outside")
