"""The stages of the test run: each builds what it needs, runs it and returns its Results."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import client_tests
import python_tests
import source_tree
from test_results import Results, read_gtest_xml, read_tap

ROOT = source_tree.ROOT
NUM_CPUS = len(os.sched_getaffinity(0))
SHORT_FUZZ_SECONDS = 30
LONG_FUZZ_SECONDS = 300
FUZZ_TIMEOUT_SECONDS = 20  # for one input, by the clock: a machine that stands still trips it too
MAX_STALLS = 3

# The bookkeeping and the parsers; the long run takes every program.
SANITIZED = ["base", "config", "core", "hub", "weights"]


def run(command, **options):
    """Runs a command with its output shown; whether it succeeded."""
    print("$", " ".join(map(str, command)), flush=True)
    return subprocess.run(command, cwd=ROOT, check=False, **options).returncode == 0


def build(preset, *targets, options=()):
    """Configures and builds a preset; whether it succeeded."""
    directory = ROOT / "build" / preset
    configured = run(["cmake", "--preset", preset, *options, "-Wno-dev", "--log-level=WARNING"])
    command = ["cmake", "--build", str(directory)]
    return configured and run(command + (["--target", *targets] if targets else []))


def lint(_long):
    results = Results()
    for what in ("floors", "interfaces", "sizes", "words", "page"):
        check = f"tools/check_{what}.py"
        results.add_case(check, run([sys.executable, check]))
    results.add_case("tools/check_format.sh", run(["tools/check_format.sh"]))
    return results


def tools(_long):
    """The tests of these tools themselves."""
    suite = unittest.defaultTestLoader.discover(str(ROOT / "tools/tests"), pattern="*_test.py")
    outcome = unittest.TextTestRunner(stream=sys.stdout).run(suite)
    results = Results(skipped=[(case.id(), reason) for case, reason in outcome.skipped])
    results.failed = [case.id() for case, _ in outcome.failures + outcome.errors]
    results.num_passed = outcome.testsRun - len(results.failed) - len(results.skipped)
    return results


def rust(_long):
    """The tests inside the text library's crate."""
    find_rust = [ROOT / "scripts/find_rust.sh"]
    folder = subprocess.run(find_rust, check=False, capture_output=True, text=True)
    # The build's own folder, so that nothing is compiled twice.
    options = ["--release", "--locked", "--target-dir", ROOT / "build/cargo"]
    command = [ROOT / "scripts/cargo.sh", folder.stdout.strip(), "test", *options]
    outcome = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    print(outcome.stdout, flush=True)
    results = Results()
    for name, status in re.findall(r"^test (.+?) \.\.\. (ok|FAILED|ignored)", outcome.stdout, re.M):
        if status == "ignored":
            results.skipped.append((name, "ignored in the source"))
        else:
            results.add_case(f"rust {name}", status == "ok")
    if outcome.returncode != 0 and not results.failed:
        results.failed.append("cargo test")
    return results


def release(long):
    options = ["-DQUIRE_BUILD_TESTS=ON", "-DQUIRE_BUILD_BENCH=ON"]
    if not build("release", options=options):
        return Results(failed=["build of the preset release"])
    return ctest("release", [] if long else ["-LE", "long"])


def clients(long):
    """Real clients against the server of the release build."""
    if not build("release", "quire"):
        return Results(failed=["build of the preset release"])
    return client_tests.clients(ROOT / "build/release/quire", long)


def asan_ubsan(long):
    return sanitized("asan-ubsan", long)


def tsan(long):
    return sanitized("tsan", long)


def sanitized(preset, every):
    """Every test program that is not long, or those of the bookkeeping and the parsers."""
    names = [name for name in SANITIZED if (ROOT / "tests" / name / "CMakeLists.txt").exists()]
    targets = [] if every else [f"quire_{name}_test" for name in names]
    if not build(preset, *targets):
        return Results(failed=[f"build of the preset {preset}"])
    selection = ["-LE", "long"] if every else ["-R", f"^({'|'.join(names)})$"]
    return ctest(preset, selection)


def ctest(preset, selection):
    """Runs CTest and counts the cases of its GoogleTest programs; any other test is one case."""
    directory = ROOT / "build" / preset
    reports = directory / "test-reports"
    shutil.rmtree(reports, ignore_errors=True)
    base = ["ctest", "--test-dir", str(directory), *selection]
    listing = subprocess.run(
        [*base, "--show-only=json-v1"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    log = directory / "test-log.txt"
    environment = os.environ | {"GTEST_OUTPUT": f"xml:{reports}/", "GTEST_COLOR": "no"}
    environment["TSAN_OPTIONS"] = f"suppressions={ROOT / 'tests/tsan_suppressions.txt'}"
    timeout = "1200" if preset == "release" else "3600"  # of one program; sanitizers are slow
    command = [*base, "-j", str(NUM_CPUS), "--output-on-failure", "--output-log", str(log)]
    run([*command, "--no-tests=error", "--timeout", timeout], env=environment)
    statuses = dict(re.findall(r"Test +#\d+: (\S+) \.+ *(.*)", log.read_text(errors="replace")))
    results = Results()
    for test in json.loads(listing.stdout)["tests"]:
        program = pathlib.Path(test.get("command", [""])[0]).name
        results.add(results_of(test["name"], statuses, reports.glob(f"{program}*.xml"), preset))
    return results


def results_of(name, statuses, reports, preset):
    """The cases of one CTest test: those that its program reported, or the test itself."""
    passed = statuses.get(name, "not run").strip().startswith("Passed")
    results = Results()
    found = list(reports)
    for report in found:
        results.add(read_gtest_xml(report))
        report.unlink()
    if not found or (not passed and not results.failed):
        results.add_case(f"{preset} {name}: {statuses.get(name, 'not run').strip()}", passed)
    return results


def page(_long):
    """The web page: its types and format, its parts alone, and the page in a browser."""
    npm = ["npm", "--prefix", str(ROOT / "ui")]
    if not run([*npm, "ci", "--no-audit", "--no-fund"]):
        return Results(failed=["packages of the web page"])
    results = Results()
    results.add_case("web page: types and format", run([*npm, "run", "check"]))
    program = ROOT / "build/release/quire"
    environment = ({"QUIRE_PROGRAM": str(program)} if program.exists() else {}) | os.environ
    command = ["node", str(ROOT / "ui/test/run.mjs"), "--tap"]
    outcome = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, stdout=subprocess.PIPE, text=True
    )
    print(outcome.stdout, flush=True)
    results.add(read_tap(outcome.stdout))
    if outcome.returncode != 0 and not results.failed:
        results.failed.append("tests of the web page")
    return results


def python(long):
    """The Python package, from its wheel."""
    return python_tests.python(long)


def fuzz(long):
    """Each libFuzzer target for a while, starting from its committed corpus."""
    if not build("fuzz", "quire_fuzzers"):
        return Results(failed=["build of the preset fuzz"])
    results = Results()
    targets = sorted((ROOT / "build/fuzz/fuzzers").glob("*_fuzz"))
    if not targets:
        return Results(failed=["no fuzz target was built"])
    with concurrent.futures.ThreadPoolExecutor(NUM_CPUS) as pool:
        for target, line in zip(targets, pool.map(lambda target: fuzz_one(target, long), targets)):
            print(f"{target.name}: {line or 'FAILED'}", flush=True)
            results.add_case(target.name, line is not None)
    return results


def fuzz_one(target, long):
    """Runs one target; libFuzzer's closing line, or None when it found something."""
    name = target.name.removesuffix("_fuzz")
    found = ROOT / "build/fuzz/found" / name
    found.mkdir(parents=True, exist_ok=True)
    seconds = LONG_FUZZ_SECONDS if long else SHORT_FUZZ_SECONDS
    limits = [f"-timeout={FUZZ_TIMEOUT_SECONDS}", "-rss_limit_mb=3072"]
    command = [target, f"-max_total_time={seconds}", *limits, f"-artifact_prefix={found}/failure-"]
    if not long:
        command.append("-seed=1")  # what passed once passes again: chance is for the long runs
    for _ in range(MAX_STALLS):
        outcome = run_quietly([*command, found, ROOT / "tests/fuzz/corpus" / name])
        if outcome.returncode == 0:
            done = re.findall(r"^Done \d+ runs in \d+ second.*", outcome.stderr, re.MULTILINE)
            return done[-1] if done else None
        if not only_stalled(target, found, limits):
            break
        print(f"{target.name}: the machine stood still; once more", flush=True)
    print(outcome.stderr[-8000:], flush=True)
    return None


def only_stalled(target, found, limits):
    """Whether all that was found are timeouts of inputs that are quick when run alone."""
    for path in found.glob("failure-slow-unit-*"):  # a remark of libFuzzer's, no failure
        path.unlink()
    failures = list(found.glob("failure-*"))
    if not failures or not all(path.name.startswith("failure-timeout-") for path in failures):
        return False
    if any(run_quietly([target, *limits, path]).returncode != 0 for path in failures):
        return False
    for path in failures:
        path.unlink()
    return True


def run_quietly(command):
    return subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
