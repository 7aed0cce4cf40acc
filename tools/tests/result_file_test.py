import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import result_file

ORDER = ["lint", "release", "fuzz"]


class ResultFileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "result.txt"

    def update(self, stage, line, listing=()):
        result_file.update(self.path, stage, line, listing, ORDER)

    def test_a_stage_replaces_its_own_result_and_no_other(self):
        self.update("release", "release: 1 passed, 1 failed", ["failed: A.B", "skipped: C: why"])
        self.update("lint", "lint: 5 passed")
        self.update("release", "release: 2 passed", ["skipped: C: why"])
        stages = result_file.read(self.path)
        self.assertEqual(list(stages), ["lint", "release"])
        self.assertTrue(stages["lint"][0].startswith("lint: 5 passed at "), stages)
        self.assertTrue(stages["release"][0].startswith("release: 2 passed at "), stages)
        self.assertEqual(stages["release"][1:], ["  skipped: C: why"])

    def test_stages_that_never_ran_are_listed_as_such(self):
        def lines():
            return self.path.read_text(encoding="utf-8").splitlines()[1:]

        self.update("release", "release: 2 passed", ["skipped: C: why"])
        self.assertEqual([line for line in lines() if "not run" in line], lines()[:1] + lines()[3:])
        self.assertEqual((lines()[0], lines()[3]), ("lint: not run", "fuzz: not run"))
        self.update("lint", "lint: 5 passed")
        self.assertTrue(lines()[0].startswith("lint: 5 passed at "), lines())
        self.assertEqual(lines()[2:], ["  skipped: C: why", "fuzz: not run"])

    def test_changed_files_are_told_but_for_the_result_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)

            def git(*words):
                identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
                subprocess.run(["git", *identity, "-C", folder, *words], check=True)

            for name in ("result.txt", "other.txt"):
                (root / name).write_text("1")
            git("init", "-q")
            git("add", ".")
            git("commit", "-qm", "a")
            with unittest.mock.patch.object(result_file.source_tree, "ROOT", root):
                (root / "result.txt").write_text("2")
                self.assertNotIn("with changes", result_file.commit(root / "result.txt"))
                (root / "other.txt").write_text("2")
                self.assertIn("with changes", result_file.commit(root / "result.txt"))

    def test_the_commit_is_named(self):
        self.update("fuzz", "fuzz: 1 passed")
        self.assertRegex(self.path.read_text(encoding="utf-8"), r"fuzz: 1 passed at [0-9a-f]{10}")


if __name__ == "__main__":
    unittest.main()
