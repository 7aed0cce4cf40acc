import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from test_results import Results, read_gtest_xml, read_tap

REPORT = """<?xml version="1.0"?>
<testsuites tests="4"><testsuite name="A">
<testcase name="Passes" status="run" result="completed" classname="A"/>
<testcase name="Fails" status="run" classname="A"><failure message="x"/></testcase>
<testcase name="Skips" status="run" result="skipped" classname="A">
<skipped message="a_test.cpp:12&#x0A;needs the data folder"/></testcase>
<testcase name="Disabled" status="notrun" result="suppressed" classname="A"/>
</testsuite></testsuites>
"""

TAP = """TAP version 13
# Subtest: output/a_test.mjs
    # Subtest: it passes
    ok 1 - it passes
      ---
      duration_ms: 1.6
      ...
    not ok 2 - it fails
    ok 3 - it waits # SKIP no program
    ok 4 - it rests # SKIP
ok 1 - output/a_test.mjs
1..1
"""


class ResultsTest(unittest.TestCase):
    def test_every_case_of_a_report_is_counted_once(self):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(REPORT)
            file.flush()
            results = read_gtest_xml(file.name)
        self.assertEqual(results.num_passed, 1)
        self.assertEqual(results.failed, ["A.Fails"])
        self.assertEqual(
            results.skipped, [("A.Skips", "needs the data folder"), ("A.Disabled", "disabled")]
        )
        self.assertEqual(results.counts(), "1 passed, 1 failed, 2 skipped")

    def test_every_case_of_a_tap_report_is_counted_once(self):
        results = read_tap(TAP)
        self.assertEqual(results.num_passed, 1)
        self.assertEqual(results.failed, ["web page: it fails"])
        self.assertEqual(
            results.skipped,
            [("web page: it waits", "no program"), ("web page: it rests", "no reason given")],
        )

    def test_a_file_that_cannot_be_run_has_failed(self):
        results = read_tap("TAP version 13\nnot ok 1 - output/sse_test.mjs\n")
        self.assertEqual(results.failed, ["web page: output/sse_test.mjs"])

    def test_results_add_up(self):
        total = Results(num_passed=2, failed=["a"])
        total.add(Results(num_passed=3, skipped=[("b", "why")]))
        self.assertEqual(total.counts(), "5 passed, 1 failed, 1 skipped")
        self.assertEqual(total.listing(), ["failed: a", "skipped: b: why"])


if __name__ == "__main__":
    unittest.main()
