#!/usr/bin/env python3
"""Runs tests of clients and writes what became of them to a JSON file.

python tests/clients/run.py report.json openai_python_test curl_test
"""

import json
import pathlib
import sys
import unittest


class Outcomes(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed.append(test.id())


def main():
    report, *modules = sys.argv[1:]
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    suite = unittest.defaultTestLoader.loadTestsFromNames(modules)
    outcome = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Outcomes).run(
        suite
    )
    results = {
        "passed": outcome.passed,
        "failed": sorted({case.id() for case, _ in outcome.failures + outcome.errors}),
        "skipped": [[case.id(), reason] for case, reason in outcome.skipped],
    }
    pathlib.Path(report).write_text(json.dumps(results), encoding="utf-8")
    return 0 if outcome.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
