#!/usr/bin/env python3
"""Runs the tests of programs that use vLLM from Python, in an environment of their own.

    python tests/python_users/run.py [folder]

The calling interpreter must be able to import quire and vllm; the others come from PyPI into
`folder` (default: build/python-users). The exit code is that of pytest.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE.parents[1] / "build/python-users"
# What is tested, and what compiled modules of nanobind need.
PACKAGES = ["quire", "vllm", "nanobind_backend"]


def prepare_environment(place: Path) -> Path:
    """The interpreter of a virtual environment with what requirements.txt names."""
    interpreter = place / "venv/bin/python"
    requirements = HERE / "requirements.txt"
    stamp = place / "installed.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return interpreter
    shutil.rmtree(place / "venv", ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True)
    pip = [interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", requirements], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return interpreter


def link_packages(place: Path) -> Path:
    """A folder with the packages under test and nothing else of this environment."""
    folder = place / "packages"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise SystemExit(f"There is no package {name} in this environment.")
        (folder / name).symlink_to(Path(spec.origin).parent)
    return folder


def run(place: Path = PLACE) -> int:
    """The exit code of pytest; what it prints goes to this process's output."""
    interpreter = prepare_environment(place)
    environment = {**os.environ, "PYTHONPATH": f"{link_packages(place)}:{HERE}"}
    environment |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(place / "hf")}
    command = [interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", HERE]
    files = sorted(HERE.glob("*_test.py"))
    return subprocess.run([*command, *files], check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(run(*map(Path, sys.argv[1:])))
