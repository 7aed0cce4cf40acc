"""The stage of `make test` that lets real clients talk to `quire serve`: tests/clients."""

import json
import os
import shutil
import subprocess
import sys

import source_tree
from test_results import Results

ROOT = source_tree.ROOT
TESTS = ROOT / "tests/clients"
PLACE = ROOT / "build/clients"
LIGHT = ["openai_python_test", "curl_test"]
HEAVY = [
    "anthropic_test",
    "langchain_test",
    "openai_javascript_test",
    "openai_schema_test",
    "openapi_test",
]


def clients(program, long):
    """Runs the light clients, with `long` all of them, against `program`."""
    requirements = TESTS / ("requirements-all.txt" if long else "requirements.txt")
    python = install_python_packages(requirements)
    if python is None:
        return Results(skipped=[("clients", "the Python packages cannot be installed")])
    environment = os.environ | {"QUIRE_PROGRAM": str(program)}
    if long and install_npm_packages():
        environment["NODE_PACKAGES"] = str(PLACE / "node")
    report = PLACE / "report.json"
    report.unlink(missing_ok=True)
    command = [python, TESTS / "run.py", report, *LIGHT, *(HEAVY if long else [])]
    subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if not report.exists():
        return Results(failed=["tests/clients/run.py"])
    outcome = json.loads(report.read_text(encoding="utf-8"))
    results = Results(
        num_passed=len(outcome["passed"]),
        failed=outcome["failed"],
        skipped=[tuple(case) for case in outcome["skipped"]],
    )
    if not long:
        results.skipped.append(("the other clients", "they belong to make test-all"))
    return results


def install_python_packages(requirements):
    """A virtual environment with the packages; its interpreter, or None when that fails."""
    folder = PLACE / requirements.stem
    python = folder / "bin/python"
    wanted = "".join(path.read_text(encoding="utf-8") for path in TESTS.glob("requirements*.txt"))
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", folder], [*install, "-r", requirements]):
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            return None
    stamp.write_text(wanted, encoding="utf-8")
    return python


def install_npm_packages():
    """Whether build/clients/node has the packages of package.json."""
    if shutil.which("npm") is None:
        return False
    folder = PLACE / "node"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(TESTS / "package.json", folder)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    return subprocess.run(command, cwd=folder, check=False).returncode == 0
