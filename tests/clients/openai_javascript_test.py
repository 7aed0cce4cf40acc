"""The official openai package for JavaScript: openai_client.mjs, case by case."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from quire_server import ServerCase

SCRIPT = pathlib.Path(__file__).with_name("openai_client.mjs")
PACKAGES = os.environ.get("NODE_PACKAGES", "")


@unittest.skipUnless(shutil.which("node"), "node is not installed")
@unittest.skipUnless(PACKAGES, "the npm packages are not installed")
class OpenAiJavaScriptTest(ServerCase):
    def run_case(self, name):
        done = subprocess.run(
            ["node", str(SCRIPT), name],
            env={**os.environ, "QUIRE_URL": self.server.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)


def _add_cases():
    def test_of(name):
        return lambda self: self.run_case(name)

    script = SCRIPT.read_text(encoding="utf-8")
    for name in re.findall(r"^  async (\w+)\(", script, re.MULTILINE):
        setattr(OpenAiJavaScriptTest, f"test_{name}", test_of(name))


_add_cases()

if __name__ == "__main__":
    unittest.main()
