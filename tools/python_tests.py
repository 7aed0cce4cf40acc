"""The stage of `make test` for the Python package: its wheel in an environment of its own."""

import os
import shutil
import subprocess
import sys

import source_tree
from test_results import Results, read_pytest_xml

ROOT = source_tree.ROOT
PLACE = ROOT / "build/python-tests"
REQUIREMENTS = ["python/wheel-requirements.txt", "tests/python/requirements.txt"]


def python(long):
    """Lints all Python files, builds and installs the wheel, and runs tests/python against it."""
    interpreter = prepare_environment(REQUIREMENTS)
    if interpreter is None:
        return Results(failed=["packages for building and testing the Python package"])
    results = Results()
    for command in (["check"], ["format", "--check"]):
        name = f"ruff {' '.join(command)}"
        results.add_case(name, run([interpreter, "-m", "ruff", *command, "--no-cache", "."]))
    if not run([interpreter, "tools/build_wheel.py"]):
        results.failed.append("wheel of the Python package")
        return results
    (wheel,) = (ROOT / "build/wheels").glob("quire-*.whl")
    if not install_wheel(interpreter, wheel):
        results.failed.append("installation of the Python package")
        return results
    results.add(run_pytest(interpreter, [] if long else ["-m", "not long"]))
    return results


def run(command, **options):
    print("$", " ".join(map(str, command)), flush=True)
    return subprocess.run(command, cwd=ROOT, check=False, **options).returncode == 0


def pip_install(interpreter, *what):
    return run([interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check", *what])


def prepare_environment(requirements):
    """A virtual environment with the packages; its interpreter, or None when that fails."""
    folder = PLACE / "venv"
    interpreter = folder / "bin/python"
    wanted = "".join((ROOT / name).read_text(encoding="utf-8") for name in requirements)
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return interpreter
    shutil.rmtree(folder, ignore_errors=True)
    listed = [option for name in requirements for option in ("-r", name)]
    if not run([sys.executable, "-m", "venv", folder]) or not pip_install(interpreter, *listed):
        return None
    stamp.write_text(wanted, encoding="utf-8")
    return interpreter


def install_wheel(interpreter, wheel):
    """Its dependencies first: --force-reinstall would fetch them anew each time."""
    return pip_install(interpreter, wheel) and pip_install(
        interpreter, "--no-deps", "--force-reinstall", wheel
    )


def run_pytest(interpreter, selection):
    report = PLACE / "report.xml"
    report.unlink(missing_ok=True)
    # The wheel is what is tested, not files that someone's PYTHONPATH leads to.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [interpreter, "-m", "pytest", "-q", f"--junit-xml={report}", "-p", "no:cacheprovider"]
    passed = run([*command, "--durations=8", *selection], env=environment)
    if not report.exists():
        return Results(failed=["tests of the Python package"])
    results = read_pytest_xml(report)
    if not passed and not results.failed:
        results.failed.append("tests of the Python package")
    return results
