"""Starts a server for a test, and stops it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sysconfig
import threading
import urllib.request
from pathlib import Path

import pytest


class Server:
    """A running `quire serve`."""

    def __init__(self, process: subprocess.Popen, url: str):
        self.process = process
        self.url = url

    def get(self, path: str):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict):
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@contextlib.contextmanager
def serve(command: list[str], variables: dict[str, str] | None = None):
    """Yields the Server once it says where it listens; it must end well when it is told to."""
    environment = {**os.environ, **(variables or {})}
    options = ["--host", "127.0.0.1", "--port", "0", "--max-model-len", "512"]
    process = subprocess.Popen(
        command + options,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = _wait_for_address(process)
        # A pipe that nobody reads fills, and then the server waits.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Server(process, address)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert process.returncode == 0


def program(name: str) -> str:
    """Path of the console script `name`; without it the test is skipped."""
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        pytest.skip(f"the package is not installed but on PYTHONPATH: there is no command {name}")
    return str(path)


def _wait_for_address(process: subprocess.Popen) -> str:
    seen = []
    for line in process.stderr:
        seen.append(line)
        address = re.search(r"http://[\w.:\[\]]+:\d+", line)
        if address:
            return address[0]
    raise AssertionError("the server ended: " + "".join(seen))
