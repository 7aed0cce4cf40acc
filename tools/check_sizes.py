#!/usr/bin/env python3
"""Files have at most 500 lines; functions in C++, Rust and Python at most 60."""

import ast
import re
import sys

import source_tree

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
BRACE_SUFFIXES = {".h", ".hpp", ".cpp", ".cc", ".cu", ".cuh", ".rs"}
OTHER_SUFFIXES = {".py", ".sh", ".cmake", ".txt", ".ts", ".tsx", ".mjs", ".css"}

_RUST_FUNCTION = re.compile(r"\bfn\s+(\w+)")
_ATTRIBUTE = re.compile(r"alignas\s*\([^()]*\)|__attribute__\s*\(\(.*?\)\)")
_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
_LAST_NAME = re.compile(r"([~\w]+(?:::[~\w]+)*|operator\s*\S+?)\s*\(")


def closing_brace(code, opening):
    depth = 0
    for offset in range(opening, len(code)):
        if code[offset] == "{":
            depth += 1
        elif code[offset] == "}":
            depth -= 1
            if depth == 0:
                return offset
    return len(code) - 1


def rust_functions(text):
    """Yields (name, first line, last line)."""
    code = source_tree.blank_literals(text)
    for match in _RUST_FUNCTION.finditer(code):
        opening = code.find("{", match.end())
        semicolon = code.find(";", match.end())
        if opening < 0 or (0 <= semicolon < opening and "[" not in code[match.end() : semicolon]):
            continue  # a declaration
        last = closing_brace(code, opening)
        yield match[1], source_tree.line_of(code, match.start()), source_tree.line_of(code, last)


def _blank_preprocessor(code):
    return re.sub(
        r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
        lambda match: re.sub(r"[^\n]", " ", match.group()),
        code,
        flags=re.MULTILINE,
    )


def _opens_scope(head):
    """Whether `head {` opens a namespace, a type or extern "C", in which functions may follow."""
    head = re.sub(r"<[^<>]*>", " ", _ATTRIBUTE.sub(" ", head))
    return _SCOPE.search(head) is not None and "(" not in head


def _is_function(head):
    """Whether `head {` opens the body of a function or of a lambda that a variable holds."""
    head = _ATTRIBUTE.sub(" ", head)
    if "(" not in head:
        return re.search(r"=\s*\[[^\]]*\]\s*$", head) is not None
    return "=" not in re.sub(r"operator\s*\S+|[<>=!]=|\([^()]*\)|<[^<>]*>|\[=\]", " ", head) or (
        re.search(r"=\s*\[[^\]]*\]\s*\(", head) is not None
    )


def _body_of(code, opening):
    """The body's opening brace: after `Foo() : a_{1}` the brace belongs to a member."""
    while True:
        last = closing_brace(code, opening)
        following = re.match(r"\s*([,{])", code[last + 1 :])
        if following is None:
            return opening, last
        opening = code.find("{", last + 1)


def cpp_functions(text):
    """Yields (name, first line, last line) of every function body; nested lambdas belong to it."""
    code = _blank_preprocessor(source_tree.blank_literals(text))
    offset = head_start = 0
    while offset < len(code):
        character = code[offset]
        if character in ";}" or code.startswith(("public:", "private:", "protected:"), offset):
            head_start = offset + (1 if character in ";}" else code.find(":", offset) - offset + 1)
            offset = head_start
            continue
        if character != "{":
            offset += 1
            continue
        head = code[head_start:offset]
        if _opens_scope(head):
            offset = head_start = offset + 1
            continue
        _, last = _body_of(code, offset) if _is_function(head) else (0, closing_brace(code, offset))
        if _is_function(head):
            first = head_start + len(head) - len(head.lstrip())
            name = _LAST_NAME.search(head)
            yield (
                name[1] if name else head.strip(),
                source_tree.line_of(code, first),
                source_tree.line_of(code, last),
            )
        offset = head_start = last + 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


def functions(path, text):
    if path.suffix == ".rs":
        return rust_functions(text)
    if path.suffix in BRACE_SUFFIXES:
        return cpp_functions(text)
    if path.suffix == ".py":
        return python_functions(text)
    return ()


def problems_of(path, text):
    num_lines = text.count("\n")
    if num_lines > MAX_FILE_LINES:
        yield f"{path}: {num_lines} lines, at most {MAX_FILE_LINES}"
    for name, first, last in functions(path, text):
        length = last - first + 1
        if length > MAX_FUNCTION_LINES:
            yield f"{path}:{first}: {name} has {length} lines, at most {MAX_FUNCTION_LINES}"


def is_checked(path):
    if path.parts[:2] == ("tests", "data") or path.parts[0] == "docs":
        return False
    return path.suffix != ".txt" or path.name == "CMakeLists.txt"


def main():
    problems = []
    for path in source_tree.files(*BRACE_SUFFIXES, *OTHER_SUFFIXES):
        if is_checked(path):
            problems += problems_of(path, (source_tree.ROOT / path).read_text(encoding="utf-8"))
    return source_tree.report(problems, "sizes")


if __name__ == "__main__":
    sys.exit(main())
