"""The types that editors and type checkers see are those of the extension module."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

STUBS = ROOT / "python/quire/_quire.pyi"


def test_the_stubs_are_those_of_the_module(tmp_path: Path):
    pytest.importorskip("nanobind", reason="nanobind, which writes the stubs, is not installed")
    new = tmp_path / "_quire.pyi"
    patterns = ROOT / "python/stub_patterns.txt"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "quire._quire"]
    subprocess.run([*command, "-p", str(patterns), "-o", str(new)], check=True, timeout=60)
    trees = [ast.dump(ast.parse(path.read_text(encoding="utf-8"))) for path in (STUBS, new)]
    assert trees[0] == trees[1], "mend with the command of CONTRIBUTING.md"


def test_sampling_params_show_their_names_to_editors():
    tree = ast.parse(STUBS.read_text(encoding="utf-8"))
    (params,) = [node for node in tree.body if getattr(node, "name", "") == "SamplingParams"]
    (init,) = [node for node in params.body if getattr(node, "name", "") == "__init__"]
    types = {a.arg: ast.unparse(a.annotation) for a in init.args.kwonlyargs}
    assert types["temperature"] == "float"
    assert types["max_tokens"] == "int | None"
    assert types["stop"] == "str | list[str] | None"
