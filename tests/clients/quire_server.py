"""Starts `quire serve` on a free port of the loopback, and stops it."""

import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = "models/small-chat"
START_SECONDS = 60


def program():
    """The program under test: QUIRE_PROGRAM, else the release build."""
    return pathlib.Path(os.environ.get("QUIRE_PROGRAM", ROOT / "build/release/quire")).resolve()


class QuireServer:
    """with QuireServer("--load-format", "null") as server: … server.url …"""

    def __init__(self, *options, environment=None, model=MODEL):
        fixed = ["--host", "127.0.0.1", "--port", "0", "--num-gpu-blocks-override", "2048"]
        self._command = [str(program()), "serve", model, *fixed, *options]
        self._environment = {**os.environ, "HF_HUB_OFFLINE": "1", **(environment or {})}
        self._log = tempfile.TemporaryFile("w+", errors="replace")
        self._process = None
        self.url = None

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self.url = self._wait_for_address()
        except Exception:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the server; its exit code."""
        self._process.terminate()
        try:
            return self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def is_running(self):
        return self._process.poll() is None

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def get(self, path):
        """Status and body of a GET request."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def _wait_for_address(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if match := re.search(r"Serving on (http://127\.0\.0\.1:\d+)", self.log()):
                return match[1]
            if not self.is_running():
                break
            time.sleep(0.02)
        raise RuntimeError(f"the server did not start:\n{self.log()}")


class ServerCase(unittest.TestCase):
    """Test cases that share one server, which answers with the bundled model and calls tools."""

    OPTIONS = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
    ENVIRONMENT = None

    @classmethod
    def setUpClass(cls):
        name = ("--served-model-name", "small-chat")
        cls.server = QuireServer(*name, *cls.OPTIONS, environment=cls.ENVIRONMENT)
        cls.addClassCleanup(cls.server.stop)
        cls.server.__enter__()
