"""docs/server.md has a line for each endpoint and field of src/server/openapi/, and no other.

That the description has exactly the routes of the server is a test of tests/server/openapi/.
"""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

_ENDPOINT = re.compile(r"\| ((?:[A-Z]+, )*[A-Z]+) ((?:`/[^`]*`, )*`/[^`]*`) \|")
_FIELD = re.compile(r"\| ((?:`\w+`, )*`\w+`) \|")


def endpoints(page):
    """METHOD /path of each row of a table that begins so, in order."""
    return [
        f"{method} {path}"
        for methods, paths in (match.groups() for match in map(_ENDPOINT.match, page) if match)
        for method in methods.split(", ")
        for path in re.findall("`(.*?)`", paths)
    ]


def fields(page):
    """The names in the first column of tables of fields, in order."""
    return [
        name
        for match in map(_FIELD.match, page)
        if match
        for name in re.findall(r"`(\w+)`", match[1])
    ]


class ServerDocsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.page = (ROOT / "docs/server.md").read_text(encoding="utf-8").splitlines()
        cls.parts = {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in (ROOT / "src/server/openapi").glob("*.json")
        }

    def section(self, *titles):
        """The lines under these headings, without those under headings in them."""
        lines = []
        is_in = False
        for line in self.page:
            if line.startswith("#"):
                is_in = line.lstrip("# ") in titles
            elif is_in:
                lines.append(line)
        return lines

    def operations(self, part):
        return [
            f"{method.upper()} {path}"
            for path, methods in self.parts[part]["paths"].items()
            for method in methods
        ]

    def test_every_endpoint_has_one_line_and_none_is_made_up(self):
        served = [
            operation
            for part in self.parts
            if part not in ("frame", "not_served")
            for operation in self.operations(part)
        ]
        self.assertGreater(len(served), 30)
        self.assertEqual(sorted(endpoints(self.page)), sorted(served))

    def test_endpoints_that_are_not_served_are_listed(self):
        text = "\n".join(self.section("What is not served"))
        paths = re.findall("`(/.*?)`", text)
        self.assertEqual(
            sorted(f"POST {path}" for path in paths), sorted(self.operations("not_served"))
        )

    def test_every_field_of_a_request_has_one_line(self):
        expected = {
            ("Fields of both", "Completions"): ("openai", "CreateCompletion"),
            ("Fields of both", "Chats"): ("openai", "CreateChatCompletion"),
            ("The Responses API",): ("responses", "CreateResponse"),
            ("The Messages API",): ("messages", "CreateMessage"),
        }
        for titles, (part, schema) in expected.items():
            with self.subTest(schema):
                names = self.parts[part]["schemas"][schema]["properties"]
                self.assertGreater(len(names), 10)
                self.assertEqual(sorted(fields(self.section(*titles))), sorted(names))


if __name__ == "__main__":
    unittest.main()
