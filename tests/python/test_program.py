"""The native program that the package brings: its console scripts and its modules."""

import subprocess
import sys
from pathlib import Path

import pytest

import quire
from quire._program import program as native_program
from serving import program, serve

PACKAGE = Path(quire.__file__).parent
API_SERVER = "vllm.entrypoints.openai.api_server"


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def native() -> str:
    """Path of the program in the package; without it the test is skipped."""
    if not Path(native_program()).exists():
        pytest.skip("the package is on PYTHONPATH and its program was not built: quire_program")
    return native_program()


@pytest.mark.parametrize("name", ["quire", "vllm"])
def test_a_console_script_is_the_program(name):
    result = run(program(name), "--version")
    assert (result.returncode, result.stdout) == (0, quire.__version__ + "\n"), result.stderr


def test_the_module_is_the_program():
    native()
    result = run(sys.executable, "-m", "quire", "--version")
    assert (result.returncode, result.stdout) == (0, quire.__version__ + "\n"), result.stderr


def test_the_exit_code_is_the_programs():
    native()
    result = run(sys.executable, "-m", "quire", "sing")
    assert result.returncode == 1
    assert "quire has no such command" in result.stderr


@pytest.mark.parametrize("name", ["quire", "vllm"])
def test_a_console_script_serves(name, model):
    with serve([program(name), "serve", model, "--served-model-name", "small"]) as server:
        assert [entry["id"] for entry in server.get("/v1/models")["data"]] == ["small"]


def test_the_api_servers_module_serves(model):
    native()
    with serve([sys.executable, "-m", API_SERVER, "--model", model]) as server:
        body = {"model": model, "prompt": "Once upon a time", "max_tokens": 4}
        assert server.post("/v1/completions", body)["usage"]["completion_tokens"] == 4


def test_the_engine_is_there_once():
    native()
    thin = [PACKAGE / "_quire.abi3.so", PACKAGE / "bin/quire"]
    assert all(path.stat().st_size < 2 << 20 for path in thin)
    assert (PACKAGE / "libquire.so").stat().st_size > 4 << 20
