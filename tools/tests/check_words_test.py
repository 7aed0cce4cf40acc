import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_words


def problems(path, text):
    return list(check_words.problems_of(pathlib.PurePosixPath(path), text))


class WordsTest(unittest.TestCase):
    def test_plain_comments_pass(self):
        self.assertEqual(problems("a.cpp", "// Blocks in eviction order, SHA-256, UTF-8.\n"), [])

    def test_history_is_found_in_comments_and_prose(self):
        for comment in ("fixed 2024-05-06", "see issue 12", "see #123", "no longer needed"):
            self.assertEqual(len(problems("a.cpp", f"int a;  // {comment}\n")), 1, comment)
            self.assertEqual(len(problems("a.py", f"a = 1  # {comment}\n")), 1, comment)
            self.assertEqual(len(problems("a.md", f"{comment}\n")), 1, comment)

    def test_a_date_in_a_string_or_in_shown_code_is_data(self):
        self.assertEqual(problems("a.cpp", 'auto day = "2024-05-06";\n'), [])
        self.assertEqual(problems("a.md", "```\n2024-05-06\n```\n"), [])

    def test_paths_of_one_machine_and_package_sources_are_found_anywhere(self):
        for text in ('"/home/me/x"', '"/work/x"', "http://deb.debian.org/debian"):
            self.assertEqual(len(problems("a.sh", text + "\n")), 1, text)

    def test_a_skip_needs_a_reason(self):
        self.assertEqual(len(problems("a.cpp", "GTEST_SKIP();\n")), 1)
        self.assertEqual(problems("a.cpp", 'GTEST_SKIP() << "needs a GPU";\n'), [])


if __name__ == "__main__":
    unittest.main()
