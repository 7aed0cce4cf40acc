"""The command quire migrate-check."""

from __future__ import annotations

import sys
from pathlib import Path

from quire._quire import check_command, split_line
from quire.migrate_check.finding import ENGINE, REFUSED, Finding
from quire.migrate_check.script import Script
from quire.migrate_check.shell import check_shell
from quire.migrate_check.sources import (
    Unreadable,
    is_dockerfile,
    is_python,
    is_shell,
    read_notebook,
    read_text,
)

_HELP = """\
Usage: quire migrate-check FILE … | COMMAND LINE

Say what becomes of a script or a command line that was written for vLLM: of each import, variable,
argument, method and option. FILE is a Python script (.py), a notebook (.ipynb), a shell script
(.sh) or a Dockerfile. It is read, not run.

  works    as in vLLM
  changed  works in another way
  refused  does not work; the sentence says what to do instead
  unsure   known only when the script runs
  engine   which engine runs

The exit code is 1 if something is refused or cannot be read.
"""


def check_script(path: str) -> list[Finding]:
    """Findings of a script, with the engines that it makes as the last ones."""
    if not path.endswith(".ipynb"):
        return _check_python(read_text(path), path)
    places = []  # of each line
    cells = read_notebook(path)
    for number, cell in enumerate(cells, 1):
        places += [(number, line) for line, _ in enumerate(cell.splitlines(), 1)]
    lines = [line for cell in cells for line in cell.splitlines()]
    findings = _check_python("\n".join(lines), path)
    return [
        found._replace(cell=places[found.line - 1][0], line=places[found.line - 1][1])
        for found in findings
    ]


def _check_python(source: str, path: str) -> list[Finding]:
    try:
        script = Script(source, path)
    except SyntaxError as error:
        where = f"line {error.lineno}"
        raise Unreadable(f"{path} is no Python that can be read: {error.msg}, {where}.") from None
    except (RecursionError, MemoryError):
        raise Unreadable(f"{path} is nested too deeply to be read.") from None
    except ValueError as error:
        raise Unreadable(f"{path} is no Python that can be read: {error}.") from None
    return script.findings + script.verdicts


def check_line(words: list[str]) -> list[Finding]:
    """Findings of a command line, with the engine that it starts as the last one."""
    found, engine = check_command(words)
    findings = [Finding(0, what, fate, sentence) for what, fate, sentence in found]
    return [*findings, Finding(0, engine, ENGINE)]


def check_text(text: str) -> list[Finding]:
    """Findings of a command line as a shell reads it."""
    found = [finding._replace(line=0) for finding in check_shell(text, False)]
    return found or check_line(split_line(text))


def check_file(path: str) -> list[Finding]:
    """Findings of a file of any kind that is read."""
    if not Path(path).is_dir() and not is_python(path) and is_shell(path):
        return check_shell(read_text(path), is_dockerfile(path))
    return check_script(path)


def _is_file(word: str) -> bool:
    """Whether the word names a file, or would if there were one."""
    if is_python(word) or is_shell(word):
        return True
    is_command = any(c.isspace() for c in word)
    if is_command or not Path(word).exists():
        return False
    if Path(word).is_dir():
        raise Unreadable(f"{word} is a directory: name the files.")
    raise Unreadable(f"{word}: only .py, .ipynb and .sh files and Dockerfiles are read.")


def _print(findings: list[Finding]) -> bool:
    """Whether something is refused."""
    for finding in findings:
        print(finding)
    if not findings:
        print("Nothing of vLLM's is in it.")
    return any(finding.fate == REFUSED for finding in findings)


def _check_files(paths: list[str]) -> bool:
    """Whether something is refused, or could not be read."""
    is_bad = False
    for path in paths:
        if len(paths) > 1:
            print(f"{path}:")
        try:
            is_bad |= _print(check_file(path))
        except Unreadable as error:
            print(f"error: {error}", file=sys.stderr)
            is_bad = True
    return is_bad


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help"):
        print(_HELP, end="")
        return 0
    try:
        is_file = len(words) == 1 and _is_file(words[0])
        if is_file or is_python(words[0]) or is_shell(words[0]):
            others = [word for word in words if not (is_python(word) or is_shell(word))]
            if others:
                raise Unreadable(f"{others[0]} is no file that is read: give files alone.")
            return 1 if _check_files(words) else 0
        found = check_text(words[0]) if len(words) == 1 else check_line(words)
        return 1 if _print(found) else 0
    except (Unreadable, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
