"""The package as a whole: names, versions, neighbours, forked processes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import quire
import vllm

ROOT = Path(quire.__file__).parent.parent


def run(code: str, *arguments: str, path: str | Path | None = None) -> subprocess.CompletedProcess:
    """Python code in a process of its own, with `path` before all other places of modules."""
    begin = "import sys\n" + (f"sys.path.insert(0, {str(path)!r})\n" if path else "")
    command = [sys.executable, "-c", begin + code, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_versions_say_which_vllm_is_followed():
    assert vllm.__version__ == f"0.22.1+quire.{quire.__version__}"
    assert vllm.__version_tuple__ == (0, 22, 1, f"quire.{quire.__version__}")


def test_all_names_can_be_imported():
    for module in (quire, vllm):
        for name in module.__all__:
            assert getattr(module, name) is not None


def test_importing_needs_no_heavy_module():
    result = run("import vllm; print(sorted(sys.modules.keys() & {'torch', 'numpy', 'asyncio'}))")
    assert result.stdout == "[]\n", result.stderr


def test_vllm_itself_beside_this_package_is_an_error(tmp_path):
    metadata = tmp_path / "vllm-0.11.0.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.11.0\n", encoding="utf-8")
    result = run("import vllm", path=tmp_path)
    assert result.returncode == 1
    assert "ImportError: vllm 0.11.0 and quire are both installed here" in result.stderr
    assert "pip uninstall -y vllm quire" in result.stderr
    assert run("import quire", path=tmp_path).returncode == 0


@pytest.fixture
def site(tmp_path):
    """A folder of modules with quire, and the package vllm as pip would have unpacked it."""
    (tmp_path / "quire").symlink_to(ROOT / "quire")
    shutil.copytree(ROOT / "vllm", tmp_path / "vllm")
    return tmp_path


IMPORT_TWICE = "import importlib, quire; importlib.import_module('quire'); print(quire.__file__)"


def test_importing_quire_is_silent_beside_its_own_vllm(site):
    result = run(IMPORT_TWICE, path=site)
    assert (result.stdout, result.stderr) == (f"{site}/quire/__init__.py\n", "")


def test_vllm_installed_over_quire_is_said_once(site):
    (site / "vllm/__init__.py").write_text("__version__ = '0.22.1'\n", encoding="utf-8")
    result = run(IMPORT_TWICE + "\nimport vllm; print(vllm.__version__)", path=site)
    assert result.returncode == 0 and result.stdout.endswith("0.22.1\n")
    assert result.stderr.count("RuntimeWarning: vLLM was installed over quire: `import vllm`") == 1
    assert result.stderr.count("pip uninstall -y vllm quire") == 1


def test_files_that_went_with_vllm_are_said_too(site):
    (site / "vllm/__init__.py").unlink()
    result = run(IMPORT_TWICE, path=site)
    assert result.returncode == 0
    assert "RuntimeWarning: vllm/__init__.py, which is quire's, is gone" in result.stderr
    assert "pip install quire" in result.stderr
    shutil.rmtree(site / "vllm")
    assert run(IMPORT_TWICE, path=site).stderr == "", "nothing is left to be mixed up"


FORK = """
import os
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on of every fork beside threads
os.environ["QUIRE_LOGGING_LEVEL"] = "WARNING"
from vllm import LLM, LLMEngine, SamplingParams

engines = [LLM(sys.argv[1], max_model_len=128), LLMEngine(sys.argv[1], max_model_len=128)]
engines[1].add_request("a", "Hello", SamplingParams(max_tokens=100, ignore_eos=True))
child = os.fork()
if child == 0:
    for call in (lambda: engines[0].generate("Hello"), engines[1].step):
        try:
            call()
        except RuntimeError as error:
            print(error, flush=True)
    sys.exit(7)  # with all of Python's clearing up
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(len(engines[0].generate("Hello")))
"""


def test_a_forked_child_is_told_and_its_parent_goes_on(model):
    result = run(FORK, model)
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0] == lines[1]
    assert lines[0].startswith("This process was forked after its engine had started")
    assert lines[2:] == ["7", "1"]


LIVES = """
import os
from vllm import LLM, LLMEngine, SamplingParams

def resident_mib():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20

def used():
    return resident_mib(), len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))

for life in range(50):
    if life == 25:  # the allocator has settled
        before = used()
    LLM(sys.argv[1], max_model_len=128).generate("Hello", use_tqdm=False)
    engine = LLMEngine(sys.argv[1], max_model_len=128)
    engine.add_request("unfinished", "Hello", SamplingParams(max_tokens=100, ignore_eos=True))
    engine.step()
    del engine
print(*(now - then for now, then in zip(used(), before)))
"""


def test_engines_give_back_memory_threads_and_files(model):
    result = run(LIVES, model)
    mib, threads, files = map(int, result.stdout.split())
    assert mib < 8, result.stderr  # the weights of one engine are 15 MiB
    assert (threads, files) == (0, 0)
