"""The notebook of examples/ runs from its beginning to its end, and shows hits and latency."""

import importlib.util
import json
import re
import subprocess
import sys

import pytest

from conftest import ROOT

NOTEBOOK = ROOT / "examples/cache_and_latency.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]
PLOTS = [source for source in CODE if "matplotlib" in source]


def run(sources):
    """What the cells print, one after another in one process."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(sources)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_outputs_are_cleared():
    assert len(CODE) == 5 and len(PLOTS) == 1
    assert all(not cell.get("outputs") for cell in CELLS)
    assert all(cell.get("execution_count") is None for cell in CELLS)


def test_the_cells_show_hits_and_latency():
    output = run([source for source in CODE if source not in PLOTS])
    turns = re.findall(r"turn \d: (\d+) of (\d+) prompt tokens", output)
    assert len(turns) == 4 and turns[0][0] == "0"
    assert all(int(cached) > 0.6 * int(tokens) for cached, tokens in turns[1:])
    times = re.findall(r"([\d.]+) ms without, +([\d.]+) ms with", output)
    assert len(times) == 5 and float(times[-1][1]) < float(times[-1][0])


def test_the_cells_with_plots_run():
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib, which the last cell needs, is not installed")
    run(["import matplotlib; matplotlib.use('Agg')", *CODE])
