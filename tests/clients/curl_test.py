"""curl, as scripts call it."""

import json
import shutil
import subprocess
import unittest

from quire_server import ServerCase


@unittest.skipUnless(shutil.which("curl"), "curl is not installed")
class CurlTest(ServerCase):
    OPTIONS = ("--load-format", "null")

    def curl(self, path, *options):
        command = ["curl", "-sS", "--max-time", "30", "-w", "\n%{http_code}", *options]
        done = subprocess.run(
            [*command, self.server.url + path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def post(self, path, body, *options):
        return self.curl(path, "-H", "Content-Type: application/json", "-d", body, *options)

    def test_asks_for_a_completion(self):
        body = {"model": "small-chat", "prompt": "Hello", "max_tokens": 4, "ignore_eos": True}
        status, answer = self.post("/v1/completions", json.dumps(body))
        self.assertEqual(status, 200, answer)
        self.assertEqual(json.loads(answer)["usage"]["completion_tokens"], 4)

    def test_reads_a_stream(self):
        body = '{"prompt": "Hello", "max_tokens": 4, "ignore_eos": true, "stream": true}'
        status, answer = self.post("/v1/completions", body, "-N")
        self.assertEqual(status, 200)
        lines = [line for line in answer.splitlines() if line]
        self.assertTrue(all(line.startswith("data: ") for line in lines), answer)
        self.assertEqual(lines[-1], "data: [DONE]")
        self.assertGreaterEqual(len(lines), 3)

    def test_checks_health_and_version(self):
        self.assertEqual(self.curl("/health")[0], 200)
        status, answer = self.curl("/version")
        self.assertEqual(status, 200)
        self.assertRegex(json.loads(answer)["version"], r"^\d+\.\d+")

    def test_reads_metrics(self):
        status, answer = self.curl("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("vllm:num_requests_running", answer)

    def test_reads_the_documents(self):
        self.assertEqual(json.loads(self.curl("/openapi.json")[1])["openapi"], "3.1.0")
        for path in ("/docs", "/redoc", "/"):
            status, answer = self.curl(path, "--compressed")
            self.assertEqual(status, 200, path)
            self.assertIn("<!doctype html>", answer.lower()[:200])

    def test_wrong_json_is_told_what_is_wrong(self):
        status, answer = self.post("/v1/completions", '{"prompt": ')
        self.assertEqual(status, 400)
        self.assertIn("message", json.loads(answer)["error"])

    def test_endpoints_of_other_models_are_not_found(self):
        for path in ("/v1/embeddings", "/rerank", "/v1/score", "/pooling"):
            status, answer = self.post(path, "{}")
            self.assertEqual(status, 404, path)
            self.assertIn("needs", json.loads(answer)["error"]["message"])
        form = ("-F", "file=@-;filename=a.wav", "-F", "model=whisper")
        self.assertEqual(self.curl("/v1/audio/transcriptions", *form)[0], 404)


if __name__ == "__main__":
    unittest.main()
