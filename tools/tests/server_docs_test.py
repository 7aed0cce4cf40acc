"""docs/server.md names what src/server/openapi/ describes."""

import json
import pathlib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ServerDocsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = (ROOT / "docs/server.md").read_text(encoding="utf-8")
        cls.parts = {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in (ROOT / "src/server/openapi").glob("*.json")
        }

    def test_every_endpoint_is_named(self):
        for name in ("openai", "responses", "messages", "operator", "not_served"):
            for path in self.parts[name]["paths"]:
                # `{model}` and the like are written in their own ways.
                self.assertIn("`" + path.split("{")[0].rstrip("/"), self.page, name)

    def test_every_field_of_a_request_is_named(self):
        requests = {
            "openai": ["CreateCompletion", "CreateChatCompletion"],
            "responses": ["CreateResponse"],
            "messages": ["CreateMessage"],
        }
        for name, schemas in requests.items():
            for schema in schemas:
                for field in self.parts[name]["schemas"][schema]["properties"]:
                    self.assertIn(f"`{field}`", self.page, schema)


if __name__ == "__main__":
    unittest.main()
