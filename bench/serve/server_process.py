"""Servers that a measurement starts: quire itself, and the FastAPI stub beside it."""

import pathlib
import queue
import re
import resource
import subprocess
import sys
import threading
import time
import urllib.request
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
STUB_PACKAGES = ["fastapi", "uvicorn", "uvloop", "httptools"]
START_SECONDS = 120


def allow_many_files():
    """As many open files as the system lets this process ask for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def on_core(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


class ServerProcess:
    """A server on a free port of the loopback; a context manager."""

    def __init__(self, command, address_pattern, core=None):
        self.process = subprocess.Popen(
            on_core(core, command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=allow_many_files,
        )
        self.lines = []
        self._found = queue.Queue()
        threading.Thread(target=self._read, args=(address_pattern,), daemon=True).start()
        port = self._found.get(timeout=START_SECONDS)
        if port is None:
            raise RuntimeError("the server did not start:\n" + "".join(self.lines[-20:]))
        self.url = f"http://127.0.0.1:{port}"
        self._wait_until_ready()

    def _read(self, address_pattern):
        for line in self.process.stdout:
            self.lines.append(line)
            del self.lines[:-200]
            match = re.search(address_pattern, line)
            if match:
                self._found.put(int(match[1]))
        self._found.put(None)

    def _wait_until_ready(self):
        limit = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(self.url + "/v1/models", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                if time.monotonic() > limit:
                    raise
            time.sleep(0.05)

    @property
    def pid(self):
        return self.process.pid

    def resident_bytes(self):
        fields = pathlib.Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * resource.getpagesize()

    def stop(self):
        """Ends it as an operator would; returns its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def start_quire(program, model, *options, core=None):
    command = [str(program), "serve", str(model), "--host", "127.0.0.1", "--port", "0"]
    command += ["--disable-uvicorn-access-log", *options]
    return ServerProcess(command, r"Serving on http://[^ ]*:(\d+)", core)


def stub_python():
    """The interpreter of an environment with the stub's packages, made when it is not there."""
    folder = ROOT / "build/serve-stub-venv"
    python = folder / "bin/python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *STUB_PACKAGES], check=True)
    return python


def start_stub(core=None):
    script = pathlib.Path(__file__).with_name("stub_server.py")
    return ServerProcess(
        [str(stub_python()), str(script)], r"Uvicorn running on http://[^ ]*:(\d+)", core
    )


if __name__ == "__main__":
    sys.exit("Run measure_server.py or soak.py.")
