"""The Python in the pages runs as printed, and the table of options tells what really happens."""

import os
import re
import subprocess
import sys

import pytest

from conftest import MODEL, ROOT
from serving import program, serve
from vllm import LLM, SamplingParams

TEXT = (ROOT / "docs/migration.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README + TEXT, re.MULTILINE | re.DOTALL)
ROWS = re.findall(r"^\| `((?:LLM|SamplingParams)\(.*?\))` \| (.*) \|$", TEXT, re.MULTILINE)
ALIASES = f"Qwen/Qwen3-0.6B={MODEL}"


def run(code: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "VLLM_USE_V1"}
    result = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        env=environment | {"QUIRE_MODEL_ALIASES": ALIASES},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr


def test_the_pages_have_blocks_and_rows():
    assert len(BLOCKS) > 8 and len(ROWS) > 20


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_runs(number):
    code = BLOCKS[number]
    if "import OpenAI" not in code:
        return run(code)
    pytest.importorskip("openai", reason="the client library of OpenAI is not installed")
    name = ["--served-model-name", "models/small-chat"]
    with serve([program("quire"), "serve", MODEL, *name]) as server:
        assert "http://localhost:8000" in code
        return run(code.replace("http://localhost:8000", server.url))


@pytest.mark.parametrize(("call", "fate"), ROWS)
def test_an_option_has_the_fate_of_its_row(call, fate):
    def make():
        names = {"SamplingParams": SamplingParams, "LLM": lambda **kw: LLM(model=MODEL, **kw)}
        return eval(call, names)

    if not fate.startswith("refused: "):
        assert re.match("works|taken", fate)
        make()
        return
    with pytest.raises((TypeError, ValueError)) as error:
        make()
    assert str(error.value) == fate.removeprefix("refused: ")


def test_every_link_leads_somewhere():
    titles = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in anchors
        else:
            assert (ROOT / "docs" / target).exists(), target
