"""Files that migrate-check reads: scripts, notebooks, shell scripts and Dockerfiles."""

from __future__ import annotations

import json
import re
import tokenize
from pathlib import Path
from typing import Any

_SHELL_NAMES = re.compile(
    r"(.*\.(sh|bash|zsh|dockerfile)|(Dockerfile|Containerfile)(\..*)?)$", re.I
)
_MAGIC = re.compile(r"\s*[%!?]|.*\?\s*$")
_MAGIC_VALUE = re.compile(r"(\s*[\w, ]+?\s*=\s*)[%!].*")
_ENV_MAGIC = re.compile(r"\s*%(?:set_)?env\s+(\w+)[=\s]\s*(.*)")


class Unreadable(Exception):
    """A file that cannot be read as what it should be. The text says why."""


def is_python(path: str) -> bool:
    return path.endswith((".py", ".pyw", ".ipynb")) or "python" in _interpreter(path)


def is_shell(path: str) -> bool:
    return _SHELL_NAMES.match(Path(path).name) is not None or "sh" in _interpreter(path)


def is_dockerfile(path: str) -> bool:
    return re.search(r"(docker|container)file", Path(path).name, re.I) is not None


def _interpreter(path: str) -> str:
    """Of the first line: #!/usr/bin/env python3."""
    try:
        with Path(path).open("rb") as file:
            line = file.readline(200)
    except OSError:
        return ""
    return line.decode(errors="replace") if line.startswith(b"#!") else ""


def read_text(path: str) -> str:
    file = Path(path)
    if file.is_dir():
        raise Unreadable(f"{path} is a directory: name one script at a time.")
    try:
        if path.endswith((".py", ".pyw")):
            with tokenize.open(path) as lines:  # in the encoding that it names
                text = lines.read()
        else:
            text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Unreadable(f"There is no file {path}.") from None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from None
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise Unreadable(
            f"{path} is not text in UTF-8: save it so, or name its encoding."
        ) from None
    if "\0" in text:
        raise Unreadable(f"{path} is no text: there are null bytes in it.")
    return text


def read_notebook(path: str) -> list[str]:
    """The Python of each cell, without magics; none of cells with text."""
    try:
        cells = json.loads(read_text(path))["cells"]
        return [
            _without_magics(_cell_text(cell)) if cell["cell_type"] == "code" else ""
            for cell in cells
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable(f"{path} is no notebook: no JSON with a list of cells.") from None


def _cell_text(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _without_magics(source: str) -> str:
    """The same lines, with pass for magics, and None for what they would give."""
    if source.lstrip().startswith("%%") and not source.lstrip().startswith(("%%time", "%%capture")):
        return "\n".join("" for _ in source.splitlines())
    return "\n".join(_without_magic(line) for line in source.splitlines())


def _without_magic(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    if variable := _ENV_MAGIC.match(line):
        name, value = variable.groups()
        return f"{indent}import os; os.environ[{name!r}] = {value!r}"
    if given := _MAGIC_VALUE.match(line):
        return given.group(1) + "None"
    return indent + "pass" if _MAGIC.match(line) and not line.lstrip().startswith("#") else line
