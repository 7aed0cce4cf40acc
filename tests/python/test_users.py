"""Programs from PyPI that use vLLM run on this package: tests/python_users."""

import subprocess
import sys

import pytest

from conftest import ROOT


@pytest.mark.long
def test_real_users_run_on_this_package():
    command = [sys.executable, ROOT / "tests/python_users/run.py"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
