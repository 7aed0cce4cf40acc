"""schemathesis over our own /openapi.json: no 5xx, no answer that the document does not know."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

from quire_server import QuireServer

SCHEMATHESIS = os.path.join(os.path.dirname(sys.executable), "schemathesis")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
# For each operation; the whole run takes a few minutes.
EXAMPLES = os.environ.get("QUIRE_SCHEMATHESIS_EXAMPLES", "30")


@unittest.skipUnless(shutil.which(SCHEMATHESIS), "schemathesis is not installed")
class OpenApiTest(unittest.TestCase):
    def test_answers_are_as_documented(self):
        options = ["--load-format", "null", "--served-model-name", "small-chat"]
        options += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
        options += ["--max-model-len", "256", "--enable-tokenizer-info-endpoint"]
        with QuireServer(*options) as server:
            document = json.loads(server.get("/openapi.json")[1])
            done = subprocess.run(
                self.command(server.url), capture_output=True, text=True, check=False
            )
            report = done.stdout + done.stderr
            self.assertTrue(server.is_running(), "the server ended:\n" + server.log()[-4000:])
            self.assertEqual(server.get("/health")[0], 200)
        self.assertEqual(done.returncode, 0, report[-20000:])
        tested = re.search(r"Selected: (\d+)/\1\s+Tested: \1\s", report)
        self.assertIsNotNone(tested, report[-4000:])
        self.assertGreaterEqual(int(tested[1]), len(document["paths"]))

    @staticmethod
    def command(url):
        command = [SCHEMATHESIS, "run", url + "/openapi.json", "--no-color"]
        command += ["--checks", ",".join(CHECKS), "--max-examples", EXAMPLES]
        return command + ["--phases", "examples,coverage,fuzzing", "--request-timeout", "30"]


if __name__ == "__main__":
    unittest.main()
