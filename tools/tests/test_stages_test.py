import pathlib
import stat
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import test_stages


class OnlyStalledTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.found = pathlib.Path(self.folder.name) / "found"
        self.found.mkdir()

    def tearDown(self):
        self.folder.cleanup()

    def target(self, exit_code):
        path = pathlib.Path(self.folder.name) / "target"
        path.write_text(f"#!/bin/sh\nexit {exit_code}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def find(self, name):
        (self.found / name).write_bytes(b"input")

    def test_a_timeout_that_does_not_repeat_is_the_machines(self):
        self.find("failure-timeout-1")
        self.assertTrue(test_stages.only_stalled(self.target(0), self.found, []))
        self.assertEqual(list(self.found.iterdir()), [])

    def test_a_timeout_that_repeats_is_a_failure_and_stays(self):
        self.find("failure-timeout-1")
        self.assertFalse(test_stages.only_stalled(self.target(70), self.found, []))
        self.assertEqual(len(list(self.found.iterdir())), 1)

    def test_a_crash_is_a_failure_whether_it_repeats_or_not(self):
        self.find("failure-timeout-1")
        self.find("failure-crash-1")
        self.assertFalse(test_stages.only_stalled(self.target(0), self.found, []))

    def test_a_failure_that_left_no_input_is_a_failure(self):
        self.assertFalse(test_stages.only_stalled(self.target(0), self.found, []))


if __name__ == "__main__":
    unittest.main()
