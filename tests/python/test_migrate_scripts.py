"""quire migrate-check on what scripts for vLLM really look like."""

import json

import pytest

from quire.migrate_check import Script, main
from vllm import SamplingParams


def findings(script):
    return {finding.what: finding for finding in Script(script).findings}


def fates(script):
    return {what: finding.fate for what, finding in findings(script).items()}


def engines(script):
    return [engine for _, engine in Script(script).engines]


# Names, and what they stand for.


@pytest.mark.parametrize(
    ("first", "call"),
    [
        ("import vllm", "vllm.LLM"),
        ("import vllm as v", "v.LLM"),
        ("import vllm.entrypoints.llm", "vllm.entrypoints.llm.LLM"),
        ("import vllm.entrypoints.llm as api", "api.LLM"),
        ("from vllm import *", "LLM"),
        ("from vllm.entrypoints import llm", "llm.LLM"),
    ],
)
def test_a_class_is_known_by_every_way_to_it(first, call):
    found = fates(f'{first}\nengine = {call}("m", quantization="awq")\nengine.embed("x")')
    assert found["LLM(quantization='awq')"] == "refused"
    assert found["LLM.embed()"] == "refused"


def test_properties_and_context_managers_of_the_script_are_followed():
    found = fates("""
import contextlib
from vllm import LLM
@contextlib.contextmanager
def engine():
    yield LLM("m")
class A:
    @property
    def llm(self):
        return LLM("m")
with engine() as one:
    one.embed("x")
A().llm.score("x")
""")
    assert found["LLM.embed()"] == found["LLM.score()"] == "refused"
    assert "with LLM(…)" not in found
    assert fates("from vllm import LLM\nwith LLM('m') as x:\n    x")["with LLM(…)"] == "refused"


def test_methods_that_only_raise_are_refused():
    found = findings("""
from vllm import LLM, AsyncLLMEngine
LLM("m").start_profile()
AsyncLLMEngine("m").start_profile()
""")
    assert "There is no profiler inside" in found["LLM.start_profile()"].sentence
    assert "There is no profiler inside" in found["AsyncLLM.start_profile()"].sentence


def test_defaults_of_a_dataclass_are_no_values():
    script = """
from dataclasses import dataclass
from vllm import LLM
{decorator}
class C:
    n: int = 4
LLM("m", max_num_seqs=C(n=8).n)
"""
    assert "LLM(max_num_seqs=…)" in fates(script.format(decorator="@dataclass"))
    assert "LLM(max_num_seqs=4)" in fates(script.format(decorator=""))


@pytest.mark.parametrize(
    "lines",
    [
        "llm = LLM('m')\nllm.embed('x')",
        "llm: LLM = LLM('m')\nllm.embed('x')",
        "a = llm = LLM('m')\nllm.embed('x')",
        "llm, other = LLM('m'), None\nllm.embed('x')",
        "if (llm := LLM('m')):\n    llm.embed('x')",
        "with make(LLM('m')) as x, LLM('m') as llm:\n    llm.embed('x')",
        "def make():\n    return LLM('m')\nllm = make()\nllm.embed('x')",
        "def use(engine):\n    engine.embed('x')\nuse(LLM('m'))",
        "def use(engine: 'LLM | None' = None):\n    engine.embed('x')",
        "llm = None\ndef load():\n    global llm\n    llm = LLM('m')\ndef f():\n    llm.embed('x')",
        "def main():\n    llm.embed('x')\nif __name__ == 'a':\n    llm = LLM('m')\n    main()",
        "for llm in [LLM('m'), LLM('n')]:\n    llm.embed('x')",
        "class A:\n    def __init__(self):\n        self.llm = LLM('m')\n"
        "    def f(self):\n        return self.llm.embed('x')",
        "class A:\n    def f(self):\n        self.llm.embed('x')\n"
        "    def __init__(self):\n        self.llm = LLM('m')",
        "class A:\n    llm = LLM('m')\na = A()\na.llm.embed('x')",
        "class My(LLM):\n    pass\nMy('m').embed('x')",
        "class My(LLM):\n    def f(self):\n        self.embed('x')",
    ],
)
def test_an_engine_is_followed_to_its_calls(lines):
    assert fates(f"from vllm import LLM\n{lines}")["LLM.embed()"] == "refused"


def test_names_of_others_are_left_alone():
    script = """
from other import LLM
from .vllm import SamplingParams
llm = LLM("m", quantization="awq")
llm.embed("x")
SamplingParams(best_of=2)
"""
    assert findings(script) == {}


def test_attributes_that_are_not_here_are_told():
    found = findings("""
import vllm
llm = vllm.LLM("m")
print(llm.llm_engine.model_config)
vllm.PoolingParams()
if vllm.__version__ > "0.5":
    args = vllm.EngineArgs("m")
    args.create_engine_config()
""")
    assert found["LLM.llm_engine"].sentence == "LLM has no llm_engine here."
    assert found["vllm.PoolingParams"].sentence == "There is no vllm.PoolingParams here."
    assert found["EngineArgs.create_engine_config()"].fate == "refused"


def test_an_import_that_the_script_can_miss_is_no_refusal():
    guarded = "try:\n    from vllm import PoolingParams\nexcept ImportError:\n    pass"
    assert fates(guarded) == {"from vllm import PoolingParams": "changed"}
    for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import vllm.config"
    assert fates(for_types) == {}
    elsewhere = "try:\n    f()\nexcept ImportError:\n    from vllm import PoolingParams"
    assert fates(elsewhere) == {"from vllm import PoolingParams": "refused"}


# Arguments.


def test_positional_arguments_have_the_names_of_the_signature():
    found = findings("""
from vllm import LLM, EngineArgs, SamplingParams
llm = LLM("some/model")
EngineArgs("other/model", 5)
llm.generate("x", None, True)
SamplingParams(2)
""")
    assert found["LLM(model='some/model')"].fate == "works"
    assert found["EngineArgs(model='other/model')"].fate == "works"
    assert found["EngineArgs()"].sentence.startswith("EngineArgs() takes 1 positional argument")
    assert found["LLM.generate()"].sentence.startswith("generate() takes 2 positional arguments")
    assert "no positional arguments" in found["SamplingParams()"].sentence
    with pytest.raises(TypeError):
        SamplingParams(2)


@pytest.mark.parametrize(
    "lines",
    [
        'LLM("m", **{"quantization": "awq"})',
        'options = {"quantization": "awq"}\nLLM("m", **options)',
        'options = dict(model="m", quantization="awq")\nLLM(**options)',
        'options = {}\noptions["quantization"] = "awq"\nLLM("m", **options)',
        'options = {}\noptions.update(quantization="awq")\nLLM("m", **options)',
        'options = {}\noptions |= {"quantization": "awq"}\nLLM("m", **options)',
        'base = {"quantization": "awq"}\nLLM("m", **{**base, "seed": 1})',
        'q = "awq"\nLLM("m", quantization=q)',
        'Q = "awq"\ndef f():\n    return LLM("m", quantization=Q)',
    ],
)
def test_options_are_known_by_their_dict_and_their_name(lines):
    found = fates(f"from vllm import LLM\n{lines}")
    assert found["LLM(quantization='awq')"] == "refused"
    assert "unsure" not in found.values()


@pytest.mark.parametrize(
    "lines",
    [
        'LLM("m", **load())',
        'options = {"seed": 1, **load()}\nLLM("m", **options)',
        "LLM(*sys.argv)",
        "def f(**kwargs):\n    LLM('m', **kwargs)",
        'options = {"seed": 1}\nif x:\n    options = {"seed": 2}\nLLM("m", **options)',
    ],
)
def test_what_only_a_run_can_tell_is_said(lines):
    found = findings(f"from vllm import LLM\n{lines}")
    assert found["LLM(…)"].fate == "unsure"
    assert "known only when the script runs" in found["LLM(…)"].sentence


def test_a_name_that_is_bound_twice_has_no_known_value():
    found = fates("from vllm import LLM\nn = 4\nif x:\n    n = 8\nLLM('m', max_num_seqs=n)")
    assert found["LLM(max_num_seqs=…)"] == "works"


def test_numbers_are_computed():
    found = fates("from vllm import LLM\nK = 1024\nLLM('m', max_model_len=4 * K, seed=-1)")
    assert found["LLM(max_model_len=4096)"] == "works"
    assert found["LLM(seed=-1)"] == "works"
    assert "LLM(seed=…)" in fates("from vllm import LLM\nLLM('m', seed=1 / 0)")


def test_values_that_no_engine_takes_are_refused():
    found = findings("from vllm import LLM\nLLM('m', gpu_memory_utilization=5, max_num_seqs=0)")
    sentence = found["LLM(gpu_memory_utilization=5)"].sentence
    assert sentence == "gpu_memory_utilization must be in (0, 1], got 5."
    assert found["LLM(max_num_seqs=0)"].fate == "refused"
    share = findings("from vllm import LLM\nLLM('m', gpu_memory_utilization=0.9)")
    assert share["LLM(gpu_memory_utilization=0.9)"].fate == "changed"


def test_literals_that_python_cannot_make_do_not_end_the_report():
    found = fates("""
from vllm import LLM
x = {[]: 1}
y = {{}, 2}
LLM("m", hf_overrides={[]: 1}, seed={[1]}, quantization="awq")
""")
    assert found["LLM(hf_overrides=…)"] == "works"
    assert found["LLM(quantization='awq')"] == "refused"


def test_arguments_of_calls_are_looked_at(llm):
    found = findings("""
from vllm import LLM
llm = LLM("m")
llm.generate("x", use_tqdm=False, lora_request=LoRARequest("a", 1, "/a"))
llm.chat([], tools=None, lora_request=given)
llm.enqueue(prompt_token_ids=[[1]])
llm.generate({"prompt": "x", "multi_modal_data": {}})
llm.wake_up(tags=["weights"])
""")
    unknown = found["LLM.chat(lora_request=…)"]
    assert (unknown.fate, found["LLM.generate(lora_request=…)"].fate) == ("unsure", "unsure")
    assert unknown.sentence.startswith("Only None is taken. lora_request: LoRA")
    assert "prompt_token_ids" in found["LLM.enqueue(prompt_token_ids=[[1]])"].sentence
    assert found["LLM.wake_up(tags=['weights'])"].fate == "refused"
    with pytest.raises(ValueError) as error:
        llm.generate({"prompt": "x", "multi_modal_data": {}})
    image = found["LLM.generate() of a prompt with multi_modal_data"]
    assert image.sentence == str(error.value)


RULES = """
from vllm import LLM, SamplingParams
llm = LLM("m"{options})
params = SamplingParams(logits_processors=[ban])
llm.generate("x", params)
llm.generate("x", [SamplingParams(extra_args={{"a": 1}})])
"""


def test_rules_of_a_request_need_v0_and_extra_args_a_reader(llm):
    found = findings(RULES.format(options=""))
    for what, params in (
        ("logits_processors of a request", SamplingParams(logits_processors=[print])),
        ("extra_args", SamplingParams(extra_args={"a": 1})),
    ):
        with pytest.raises(ValueError) as error:
            llm.generate("x", params)
        assert found[f"LLM.generate() with {what}"].sentence == str(error.value)
    taken = fates(RULES.format(options=", scheduler='v0', logits_processors=[rule]"))
    assert "refused" not in taken.values()


# Engines.


def test_async_engines_are_v1_whatever_they_are_asked_for():
    script = """
import os
os.environ["VLLM_USE_V1"] = "0"
from vllm import LLM, AsyncLLMEngine, AsyncEngineArgs
from vllm.v1.engine.async_llm import AsyncLLM
AsyncLLM("m")
LLM("m")
args = AsyncEngineArgs("m", scheduler_delay_factor=0.5)
engine = AsyncLLMEngine.from_engine_args(args)
"""
    assert engines(script) == ["V1", "V0", "V1"]
    assert "V1 scheduler" in findings(script)["AsyncLLM(scheduler_delay_factor=0.5)"].sentence


def test_options_reach_the_engine_that_is_made_of_them():
    script = """
import os
os.environ["VLLM_USE_V1"] = x
os.environ["VLLM_USE_V1"] = "0"
from vllm import LLMEngine, EngineArgs
args = EngineArgs("m")
args.scheduler_delay_factor = 0.5
x = LLMEngine.from_engine_args(args)
y = LLMEngine.from_engine_args(a)
x.collective_rpc("x")
y.collective_rpc("x")
"""
    assert engines(script) == ["V0", "V0"]
    assert fates(script)["EngineArgs(scheduler_delay_factor=0.5)"] == "works"
    refused = [f.line for f in Script(script).findings if f.what == "LLMEngine.collective_rpc()"]
    assert refused == [10, 11]
    assert engines("x = Engine.from_engine_args(a)") == []


def test_a_switch_of_the_run_leaves_the_engine_open():
    script = "import os, vllm\nos.environ['VLLM_USE_V1'] = x\nllm = vllm.LLM('m')"
    assert engines(script) == ["V0 or V1"]
    verdict = Script("from vllm import LLM\nLLM('m', **x)").verdicts[0]
    assert verdict.what == "V1" and "would choose V0" in verdict.sentence


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['VLLM_USE_V1'] = '0'",
        "os.environ.setdefault('VLLM_USE_V1', '0')",
        "os.environ.update(VLLM_USE_V1='0')",
        "os.environ.update({'VLLM_USE_V1': '0'})",
        "os.putenv('VLLM_USE_V1', '0')",
        "from os import environ\nenviron['VLLM_USE_V1'] = '0'",
    ],
)
def test_variables_are_set_in_many_ways(line):
    assert engines(f"import os\n{line}\nfrom vllm import LLM\nLLM('m')") == ["V0"]
    unset = "del os.environ['VLLM_USE_V1']"
    assert engines(f"import os\n{line}\n{unset}\nfrom vllm import LLM\nLLM('m')") == ["V1"]


# Secrets.


def test_secrets_are_not_shown():
    script = Script("""
import os
os.environ["VLLM_API_KEY"] = "sk-1"
from vllm import LLM, SamplingParams
KEY = "k"
LLM("m", hf_token="sk-3", api_key=KEY, **{"auth_token": "sk-4"})
SamplingParams(extra_args={"api_key": "sk-5", "n": 1}, secret="sk-6")
""")
    text = "\n".join(map(str, script.findings))
    assert "sk-" not in text
    assert "keyword argument 'api_key'" in text
    for shown in ("VLLM_API_KEY=…", "LLM(hf_token=…)", "{'api_key': '…', 'n': 1}"):
        assert shown in text


# Files.


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.py", b"def (", "is no Python that can be read: invalid syntax, line 1."),
        ("a.py", b"x = '\xff'", "is not text in UTF-8"),
        ("a.py", b"x = 1\0", "null bytes"),
        ("a.py", b"x = " + b"-" * 20000 + b"1", "nested too deeply"),
        ("a.ipynb", b"[]", "is no notebook"),
        ("a.ipynb", b"{", "is no notebook"),
        ("a.sh", b"\xff", "is not text in UTF-8"),
        ("a.yaml", b"x: 1", "only .py, .ipynb and .sh files and Dockerfiles are read."),
        ("none.py", None, "There is no file"),
        ("none.sh", None, "There is no file"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, capsys, name, content, reason):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main([str(path)]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"error: {path}") or err.startswith("error: There is no file")
    assert reason in err and out == ""


def test_a_directory_is_no_script(tmp_path, capsys):
    folder = tmp_path / "folder.py"
    folder.mkdir()
    for path in (tmp_path, folder):
        assert main([str(path)]) == 1
        assert "is a directory" in capsys.readouterr().err


def test_an_empty_file_asks_for_nothing(tmp_path, capsys):
    for name in ("a.py", "a.sh", "Dockerfile"):
        (tmp_path / name).write_bytes(b"")
        assert main([str(tmp_path / name)]) == 0
        assert capsys.readouterr().out == "Nothing of vLLM's is in it.\n"


def test_files_are_read_in_their_encoding(tmp_path, capsys):
    path = tmp_path / "a.py"
    path.write_bytes("# coding: latin-1\nimport vllm  # für".encode("latin-1"))
    assert main([str(path)]) == 0
    path.write_bytes(b"\xef\xbb\xbfimport vllm\r\n")
    assert main([str(path)]) == 0
    assert capsys.readouterr().out.count("works    line 1: import vllm") == 1


def test_several_files_are_told_apart(tmp_path, capsys):
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("import vllm", encoding="utf-8")
    bad.write_text("import vllm.config", encoding="utf-8")
    assert main([str(good), str(bad)]) == 1
    out = capsys.readouterr().out
    assert out.index(f"{good}:\nworks") < out.index(f"{bad}:\nrefused")
    assert main([str(good), "--model", "m"]) == 1
    assert "give files alone" in capsys.readouterr().err


def test_code_cells_of_a_notebook_are_read(tmp_path, capsys):
    cells = [
        ("markdown", "import vllm.nothing"),
        ("code", ["!pip install vllm\n", "%load_ext autoreload\n", "%env VLLM_USE_V1=0\n"]),
        ("code", "%%bash\nvllm serve m"),
        ("code", "%%time\nfrom vllm import LLM\nfiles = !ls\nLLM?"),
        ("code", "llm = LLM('m')\nif True:\n    %time x = 1\nllm.embed('x')"),
    ]
    notebook = {"cells": [{"cell_type": kind, "source": source} for kind, source in cells]}
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert main([str(path)]) == 1
    out, err = capsys.readouterr()
    assert err == "" and "vllm.nothing" not in out
    assert "works    cell 2 line 3: VLLM_USE_V1=0" in out
    assert "refused  cell 5 line 4: LLM.embed()" in out
    assert out.endswith(": V0\n")
