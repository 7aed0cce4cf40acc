#!/usr/bin/env python3
"""Words that do not belong into the tree: history, unfinished work, paths of one machine."""

import re
import sys

import source_tree

COMMENT_LEADS = {
    **dict.fromkeys((".h", ".hpp", ".cpp", ".cc", ".cu", ".cuh", ".rs"), r"//|/?\*"),
    **dict.fromkeys((".ts", ".tsx", ".mjs", ".css"), r"//|/?\*"),
    **dict.fromkeys((".py", ".sh", ".cmake", ".txt", ".yml", ".yaml", ".toml", ""), r"\#"),
}
# Not written here, or (this file and its test) about the words themselves.
EXEMPT = (
    "LICENSE",
    "rust/Cargo.lock",
    "ui/package-lock.json",
    "tools/check_words.py",
    "tools/tests/check_words_test.py",
)
EXEMPT_FOLDERS = ("models/", "tests/data/", "tests/fuzz/corpus/")

# (pattern, what is wrong), looked for in the whole text.
EVERYWHERE = [
    (r"(?<![\w./])/(?:work|home|farm|root)/\w", "path of one machine"),
    (
        r"\b(?:\w+\.)?(?:debian|ubuntu)\.(?:org|com)\b|\b(?:static\.|index\.)?crates\.io\b"
        r"|\bpypi\.org\b|\bregistry\.npmjs\b|\bartifact-?registry\b",
        "host name of a package source",
    ),
    (r"\b(?:TODO|FIXME|XXX|HACK)\b", "unfinished work"),
    (r"\bGTEST_SKIP\(\)\s*;", "skipped test without a reason"),
    (r"\bDISABLED_\w+|#\s*if 0\b|#\[ignore\]", "disabled code or test"),
]
# Looked for in comments, and in the prose of Markdown files.
IN_PROSE = [
    (r"\b20\d\d-\d\d-\d\d\b", "date"),
    (r"\b(?:issue|ticket|PR|MR)\s+#?\d+|(?<![\w&#])#\d+\b", "ticket number"),
    (r"\b\w+\.py:\d*", "line of another project"),
    (r"\bbyte-identical\b", "claim about history"),
    (r"\b(?:no longer|used to be|was changed|previously|formerly)\b", "history"),
]


def prose_of(path, text):
    """(line number, text) of comments, or of a Markdown file outside its code."""
    in_code = False
    lead = COMMENT_LEADS.get(path.suffix)
    comment = re.compile(rf"(?:^|\s)(?:{lead})(.*)", re.VERBOSE) if lead else None
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix == ".md":
            if line.lstrip().startswith("```"):
                in_code = not in_code
            elif not in_code:
                yield number, re.sub(r"`[^`]*`", "", line)
        elif comment and (match := comment.search(line)):
            yield number, match[1]


def problems_of(path, text):
    for pattern, what in EVERYWHERE:
        for match in re.finditer(pattern, text):
            yield f"{path}:{source_tree.line_of(text, match.start())}: {what}: {match.group()}"
    for number, prose in prose_of(path, text):
        for pattern, what in IN_PROSE:
            if match := re.search(pattern, prose):
                yield f"{path}:{number}: {what}: {match.group()}"


def is_checked(path):
    return str(path) not in EXEMPT and not str(path).startswith(EXEMPT_FOLDERS)


def main():
    problems = []
    for path in source_tree.files():
        if not is_checked(path):
            continue
        try:
            text = (source_tree.ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary file
        problems += problems_of(path, text)
    return source_tree.report(problems, "words")


if __name__ == "__main__":
    sys.exit(main())
