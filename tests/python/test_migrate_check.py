"""quire migrate-check: what becomes of scripts and command lines for vLLM."""

import re
import subprocess
import sys

import pytest

from conftest import ROOT
from quire.migrate_check import Script, check_line, main
from vllm import LLM, SamplingParams

SCRIPT = """
import os
import torch
import vllm
from vllm import LLM, SamplingParams, PoolingParams
from vllm.lora.request import LoRARequest
from vllm.v1.engine.async_llm import AsyncLLM as Engine

os.environ["VLLM_ATTENTION_BACKEND"] = "FLASHINFER"
os.environ.setdefault("VLLM_LOGGING_LEVEL", "DEBUG")
size = torch.cuda.device_count()
llm = LLM(model="m", tensor_parallel_size=size, max_model_len=512, quantization="awq", seed="x")
params = SamplingParams(temperature=0.5, best_of=2, top_p=1.5, max_tokens=5, min_tokens=3)
other = SamplingParams(max_tokens=5, min_tokens=9)
third = vllm.SamplingParams(max_tokens=size, structured_outputs=size, tempature=1)
llm.generate("Hello", params)
llm.embed("Hello")
llm.llm_engine_stats()
engine = Engine.from_engine_args(vllm.AsyncEngineArgs(model="m", enforce_eager=True))
engine.collective_rpc("x")
"""


def findings(script):
    return {finding.what: finding for finding in Script(script).findings}


@pytest.fixture(scope="module")
def found():
    return findings(SCRIPT)


def test_imports_are_looked_up(found):
    assert found["import vllm"].fate == "works"
    assert found["from vllm import LLM"].fate == "works"
    assert found["from vllm.v1.engine.async_llm import AsyncLLM"].fate == "works"
    assert (
        found["from vllm import PoolingParams"].sentence == "There is no vllm.PoolingParams here."
    )
    assert found["from vllm.lora.request import LoRARequest"].fate == "refused"
    assert not any("torch" in what for what in found if what.startswith("import"))


def test_variables_are_those_that_are_read(found):
    assert found["VLLM_ATTENTION_BACKEND=FLASHINFER"].fate == "changed"
    assert found["VLLM_LOGGING_LEVEL=DEBUG"].fate == "works"


@pytest.mark.parametrize(
    ("option", "value"), [("quantization", "awq"), ("seed", "x"), ("max_model_len", 512)]
)
def test_the_sentence_of_an_argument_is_that_of_the_engine(found, option, value, model):
    finding = found[f"LLM({option}={value!r})"]
    if finding.fate == "works":
        LLM(model=model, **{option: value})
        return
    with pytest.raises((TypeError, ValueError)) as error:
        LLM(model=model, **{option: value})
    assert finding.sentence == str(error.value)


def test_a_value_of_the_run_is_told_what_is_taken(found):
    finding = found["LLM(tensor_parallel_size=…)"]
    assert finding.sentence.startswith(
        "tensor_parallel_size is not supported. Only 1 is taken. One"
    )


def test_sampling_params_are_tried_alone_and_together(found):
    assert found["SamplingParams(temperature=0.5)"].fate == "works"
    assert found["SamplingParams(min_tokens=3)"].fate == "works"
    for name, value in (("best_of", 2), ("top_p", 1.5)):
        with pytest.raises(ValueError) as error:
            SamplingParams(**{name: value})
        assert found[f"SamplingParams({name}={value})"].sentence == str(error.value)
    together = found["SamplingParams(max_tokens=5, min_tokens=9)"]
    with pytest.raises(ValueError) as error:
        SamplingParams(max_tokens=5, min_tokens=9)
    assert together.sentence == str(error.value)
    assert found["SamplingParams(max_tokens=…)"].fate == "works"
    assert "constrained output" in found["SamplingParams(structured_outputs=…)"].sentence
    assert "tempature" in found["SamplingParams(tempature=1)"].sentence


def test_methods_of_engines_are_looked_up(found):
    assert found["LLM.generate()"].fate == "works"
    assert found["LLM.embed()"].sentence.startswith("Only models that generate text run here")
    assert found["LLM.llm_engine_stats()"].sentence == "LLM has no llm_engine_stats here."
    assert found["AsyncLLM.collective_rpc()"].fate == "refused"
    assert found["AsyncEngineArgs(enforce_eager=True)"].fate == "works"


V0_AND_V1 = """
import os
os.environ["VLLM_USE_V1"] = "0"
from vllm import LLM as Old
os.environ["VLLM_USE_V1"] = "1"
from vllm import LLM as New
a = Old(model="m", scheduler_delay_factor=0.5)
b = New(model="m", scheduler_delay_factor=0.5)
del os.environ["VLLM_USE_V1"]
"""


def test_the_engine_is_the_one_that_vllm_use_v1_binds():
    script = Script(V0_AND_V1)
    assert script.engines == [(7, "V0"), (8, "V1")]
    unset = Script('from vllm import LLM\nLLM("m", scheduler_delay_factor=0.5)\nLLM("m")')
    assert [engine for _, engine in unset.engines] == ["V0", "V1"]
    assert any(f.fate == "changed" and "Falling back to V0" in f.sentence for f in unset.findings)


def test_the_examples_need_no_change():
    for path in sorted((ROOT / "examples").glob("*.py")):
        script = Script(path.read_text(encoding="utf-8"))
        assert [str(f) for f in script.findings if f.fate == "refused"] == []


def test_a_line_is_checked_option_by_option():
    found = {f.what: f for f in check_line(["vllm", "serve", "m", "--enable-lora", "--port", "0"])}
    assert found["--port 0"].fate == "works"
    assert "merge the adapter" in found["--enable-lora"].sentence
    assert found["V1"].fate == "engine"


def run(*arguments):
    command = [sys.executable, "-m", "quire.migrate_check", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_the_exit_code_tells_a_refusal(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    result = run(str(script))
    assert result.returncode == 1
    assert re.search(r"^refused  line 13: SamplingParams\(best_of=2\): ", result.stdout, re.M)
    assert re.search(r"^engine   line 12: V1$", result.stdout, re.M)
    assert run("vllm serve m --max-model-len 4k").returncode == 0
    assert run("VLLM_USE_V1=1 vllm serve m --swap-space 2").returncode == 1
    assert "Usage:" in run().stdout


def test_what_is_no_script_is_an_error(tmp_path, capsys):
    bad = tmp_path / "bad.py"
    bad.write_text("def (", encoding="utf-8")
    for argument in (str(bad), str(tmp_path / "none.py"), "vllm bench x"):
        assert main([argument]) == 1
        assert capsys.readouterr().err.startswith("error: ")


def test_the_guide_shows_what_is_printed():
    page = (ROOT / "docs/migration.md").read_text(encoding="utf-8")
    line, output = re.search(
        r"^\$ quire migrate-check (vllm .*?)\n(.*?)^\$", page, re.M | re.S
    ).groups()
    assert run(*line.split()).stdout == output
