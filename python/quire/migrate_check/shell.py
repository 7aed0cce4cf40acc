"""Reads shell scripts and Dockerfiles: the lines in them that start a server of vLLM."""

from __future__ import annotations

import itertools
import json
import re
from typing import NamedTuple

from quire._quire import check_command, check_variable, foreign_option
from quire.migrate_check.finding import ENGINE, REFUSED, UNSURE, Finding

_INSTRUCTION = re.compile(r"\s*(CMD|ENTRYPOINT|RUN|ENV|ARG|FROM)\s+(.*)", re.I)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.S)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::?[-=]([^}]*))?\}|([A-Za-z_]\w*))")
_SERVER_MODULE = "vllm.entrypoints.openai.api_server"
_SERVER_IMAGE = "vllm/vllm-openai"


class Word(NamedTuple):
    """is_operator: ; and the like, that end a command."""

    text: str
    is_operator: bool = False
    is_quoted: bool = False  # '…', in which no $ counts


class Line(NamedTuple):
    number: int
    text: str


def check_shell(text: str, is_dockerfile: bool) -> list[Finding]:
    """Findings of all that starts a server, with their engines as the last ones."""
    return (_Dockerfile() if is_dockerfile else ShellScript()).read(text)


def _joined_lines(text: str) -> list[Line]:
    """Lines with those that go on behind a backslash; comments between them are left out."""
    lines: list[Line] = []
    begun, parts = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        begun = begun or number
        goes_on = line.rstrip().endswith("\\")
        parts.append(line.rstrip()[:-1] if goes_on else line)
        if not goes_on:
            lines.append(Line(begun, " ".join(parts)))
            begun, parts = 0, []
    return lines + ([Line(begun, " ".join(parts))] if parts else [])


def _words(line: str) -> list[Word]:
    """Words as a shell sees them."""
    words: list[Word] = []
    text, is_begun, is_quoted, quote = "", False, False, ""
    i = 0
    while i < len(line):
        c = line[i]
        if c == "\\" and quote != "'" and i + 1 < len(line):
            text, is_begun, i = text + line[i + 1], True, i + 1
        elif quote != "'" and line.startswith(("$(", "`"), i):  # what a command gives
            end = _end_of_substitution(line, i)
            text, is_begun, i = text + line[i:end], True, end - 1
        elif c == quote:
            quote = ""
        elif not quote and c in "'\"":
            quote, is_begun, is_quoted = c, True, is_quoted or c == "'"
        elif quote or not (c.isspace() or c in ";&|()" or (c == "#" and not is_begun)):
            text, is_begun = text + c, True
        else:
            words += [Word(text, False, is_quoted)] if is_begun else []
            words += [Word(c, True)] if c in ";&|()" else []
            text, is_begun, is_quoted = "", False, False
            if c == "#":
                break
        i += 1
    return words + ([Word(text, False, is_quoted)] if is_begun else [])


def _end_of_substitution(line: str, begin: int) -> int:
    """The place behind $(…) or `…` that begins there."""
    if line[begin] == "`":
        end = line.find("`", begin + 1)
        return len(line) if end < 0 else end + 1
    depth = 0
    for i in range(begin + 1, len(line)):
        depth += {"(": 1, ")": -1}.get(line[i], 0)
        if depth == 0:
            return i + 1
    return len(line)


class ShellScript:
    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.engines: list[Finding] = []
        self._variables: dict[str, str] = {}  # as far as they are known
        self._exported: dict[str, str] = {}

    def read(self, text: str) -> list[Finding]:
        for line in _joined_lines(text):
            self._read_line(line)
        return self.findings + self.engines

    def _read_line(self, line: Line) -> None:
        self.read_commands(line.number, line.text)

    def read_commands(self, number: int, text: str) -> None:
        """Of one line: ; && | and the like stand between them."""
        command: list[Word] = []
        for word in [*_words(text), Word(";", True)]:
            if not word.is_operator:
                command.append(word)
                continue
            self._read_command(
                number, [self._expanded(one) for one in _without_redirections(command)]
            )
            command = []

    def _expanded(self, word: Word) -> str:
        """With the variables that the script sets itself."""

        def value(found: re.Match[str]) -> str:
            name, default = found.group(1) or found.group(3), found.group(2)
            return self._variables.get(name, found.group(0) if default is None else default)

        return word.text if word.is_quoted else _VARIABLE.sub(value, word.text)

    def _read_command(self, number: int, words: list[str]) -> None:
        declares = bool(words) and words[0] in ("export", "local", "readonly", "declare")
        settings = [_ASSIGNMENT.fullmatch(word) for word in words[declares:]]
        if declares or all(settings):
            for setting in settings:
                if setting is not None:
                    self._set(number, *setting.groups(), words[0] == "export")
        elif starts_server(words):
            self.check(number, words)

    def _set(self, number: int, name: str, value: str, is_export: bool) -> None:
        self._variables[name] = value
        if name.startswith("VLLM_") and (is_export or name in self._exported):
            self._exported[name] = value
            if not _is_open(value):
                ((what, fate, sentence),), _ = check_variable(name, value)
                self.findings.append(Finding(number, what, fate, sentence))

    def check(self, number: int, words: list[str]) -> None:
        """The server's line, with what a run decides told apart."""
        use_v1 = self._exported.get("VLLM_USE_V1", "")
        if use_v1 in ("0", "1"):
            words = [f"VLLM_USE_V1={use_v1}", *words]
        known = self._take_open(number, words)
        try:
            found, engine = check_command(known)
        except ValueError as error:
            self.findings.append(Finding(number, "vllm serve", REFUSED, str(error)))
            return
        skipped = 1 if use_v1 in ("0", "1") else 0  # told where it is set
        for what, fate, sentence in found[skipped:]:
            self.findings.append(Finding(number, what, fate, sentence))
        self.engines.append(Finding(number, engine, ENGINE))

    def _take_open(self, number: int, words: list[str]) -> list[str]:
        """The words without the options whose values only a run knows; these are told."""
        known: list[str] = []
        for i, word in enumerate(words):
            if not _is_open(word):
                known.append(word)
                continue
            flag, equals, value = word.partition("=")
            if word.startswith("-") and equals and not _is_open(flag):
                self.findings.append(_finding_of_open(number, flag, value))
            elif i > 0 and known and known[-1] == words[i - 1] and known[-1].startswith("-"):
                self.findings.append(_finding_of_open(number, known.pop(), word))
            elif known and not _ASSIGNMENT.fullmatch(word):
                self.findings.append(Finding(number, word, UNSURE, "Known only when it runs."))
        return known


class _Dockerfile(ShellScript):
    """What an image starts is known at its end: by its entry point and its last command."""

    def __init__(self) -> None:
        super().__init__()
        self._entrypoint: list[str] = []
        self._command: list[str] = []
        self._start = 0  # its line

    def read(self, text: str) -> list[Finding]:
        super().read(text)
        self._end_stage()
        return self.findings + self.engines

    def _end_stage(self) -> None:
        if self._start > 0:
            self._read_command(self._start, self._entrypoint + self._command)
        self._entrypoint, self._command, self._start = [], [], 0

    def _read_line(self, line: Line) -> None:
        instruction = _INSTRUCTION.fullmatch(line.text)
        if instruction is None:
            return
        name, rest = instruction.group(1).upper(), instruction.group(2)
        if name == "FROM":
            self._end_stage()
            self._entrypoint = [_SERVER_IMAGE] if _SERVER_IMAGE in rest else []
        elif name in ("ENV", "ARG"):
            pair = rest if "=" in rest.split(maxsplit=1)[0] else "=".join(rest.split(maxsplit=1))
            for word in _words(pair):
                if setting := _ASSIGNMENT.fullmatch(self._expanded(word)):
                    self._set(line.number, *setting.groups(), name == "ENV")
        else:
            self._read_start(line.number, name, rest)

    def _read_start(self, number: int, name: str, rest: str) -> None:
        words = _json_words(rest)
        if words is None or _runs_shell(words):
            self.read_commands(number, rest if words is None else " ".join(words[2:]))
        elif name == "CMD":
            self._command, self._start = words, number
        elif name == "ENTRYPOINT":
            self._entrypoint, self._command, self._start = words, [], number


def _runs_shell(words: list[str]) -> bool:
    """["/bin/bash", "-lc", "…"]"""
    is_shell = len(words) > 2 and words[0].rsplit("/", 1)[-1] in ("sh", "bash", "dash")
    return is_shell and words[1].startswith("-") and words[1].endswith("c")


def _json_words(text: str) -> list[str] | None:
    try:
        words = json.loads(text)
    except ValueError:
        return None
    is_list = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return words if is_list else None


def _is_open(word: str) -> bool:
    return "$" in word or "`" in word


def _without_redirections(words: list[Word]) -> list[Word]:
    kept: list[Word] = []
    skips = False
    for word in words:
        redirection = re.match(r"\d*(>>?|<)", word.text) if not word.is_quoted else None
        if redirection is None and not skips:
            kept.append(word)
        skips = redirection is not None and redirection.end() == len(word.text)
    return kept


def starts_server(words: list[str]) -> bool:
    if _SERVER_MODULE in words:
        return True
    if any(_SERVER_IMAGE in word for word in words):
        return words[0] == _SERVER_IMAGE or "run" in words
    pairs = itertools.pairwise(words)
    return any(one.rsplit("/", 1)[-1] == "vllm" and other == "serve" for one, other in pairs)


def _finding_of_open(number: int, flag: str, value: str) -> Finding:
    """Of an option whose value only a run knows."""
    what = f"{flag} {value}"
    foreign = foreign_option(flag.lstrip("-").replace("-", "_"))
    found, _ = check_command(["vllm", "serve", "m", flag, "1"])
    _, fate, sentence = found[-1] if len(found) > 1 else ("", "", "")
    if foreign is not None:
        accepted = foreign[0].replace("|", " or ")
        taken = f"Only {accepted} is taken. " if accepted else ""
        return Finding(number, what, REFUSED, taken + foreign[1])
    if fate == REFUSED and "This is no option" in sentence:
        return Finding(number, what, REFUSED, sentence)
    return Finding(number, what, UNSURE, "The option works; its value is known only when it runs.")
