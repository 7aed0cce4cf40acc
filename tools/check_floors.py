#!/usr/bin/env python3
"""Who may include whom: the table of ARCHITECTURE.md, checked on includes and CMake links."""

import re
import sys

import source_tree

# folder -> what of src/ it may include beside itself. `folder/file.h` allows that one header.
TENSORS = {"base", "tensor"}
COMPUTE = TENSORS | {"ops", "batch", "attention", "layers", "models", "sample", "weights", "config"}
MAY_INCLUDE = {
    "include": set(),
    "base": set(),
    "config": {"base"},
    "hub": {"base", "config/safetensors_index.h"},
    "client": {"base"},
    "text": {"base"},
    "tensor": {"base"},
    "backend": TENSORS,
    "ops": TENSORS | {"backend"},
    "weights": TENSORS | {"config"},
    "attention": TENSORS | {"ops", "config"},
    "layers": TENSORS | {"ops", "attention", "weights", "config"},
    "models": TENSORS | {"ops", "attention", "weights", "config", "layers"},
    "core": {"base", "config"},
    "v0": {"core", "base", "config"},
    "batch": TENSORS | {"config", "core/scheduler_output.h"},
    "sample": TENSORS | {"ops", "batch", "config"},
    "worker": COMPUTE | {"backend", "core/scheduler_output.h"},
    "engine": COMPUTE | {"backend", "core", "text", "hub", "worker", "v0"},
    "server": {"base", "config"},
    "cli": {
        "base",
        "config/field_visitor.h",
        "config/resolve.h",
        "config/scheduler_choice.h",
        "config/server_fields.h",
    },
    "apps": {
        "base",
        "cli",
        "client",
        "config/field_visitor.h",
        "server/server.h",
        "bench/commands.h",
    },
    "python": {
        "base",
        "cli/fixed_options.h",
        "cli/migrate_check.h",
        "cli/refused_options.h",
        "config/field_visitor.h",
    },
}
# Inside of server/, the folders of endpoints know nothing of each other, and what they share
# nothing of them; requests/ is below calls/.
SERVER_ENDPOINTS = {"anthropic", "dev", "openai", "openapi", "responses", "ui"}
CLOSED_TO_REQUESTS = {"calls"}
# bench measures the inside, so all but these are open to it.
CLOSED_TO_BENCH = {"apps"}
ANY = None
# Public headers (include/quire/) that a folder may include beside api.h and error.h; ANY: all.
MAY_INCLUDE_PUBLIC = {
    "config": {"engine_config.h", "sampling_params.h", "request_output.h", "server_config.h"},
    "text": {"tokenizer.h", "chat_template.h"},
    "core": {"sampling_params.h", "request_output.h"},
    "sample": {"sampling_params.h", "logits_processor.h"},
    "worker": {"sampling_params.h"},
    "engine": ANY,
    "server": ANY,
    "cli": {"engine_config.h", "sampling_params.h", "server_config.h"},
    "apps": ANY,
    "python": ANY,
    "bench": ANY,
    "include": ANY,
}
TEST_FOLDERS_OF_THEIR_OWN = {
    "apps",
    "bench",
    "cli",
    "clients",
    "data",
    "e2e",
    "fuzz",
    "python",
    "python_users",
    "rust",
    "support",
}

CODE = {".h", ".hpp", ".cpp", ".cc", ".cu", ".cuh"}
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([\w./-]+)[">]', re.MULTILINE)
_DEVICE_IFDEF = re.compile(
    r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b.*(?:CUDA|HIP|__AVX|__AMX|__SSE|__FMA|__F16C)",
    re.MULTILINE,
)
_ENVIRONMENT = re.compile(r"\b(?:secure_)?getenv\s*\(|\benviron\b")
_ROW = re.compile(r"^\| (\w+) \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)
_LIBRARY = re.compile(r"quire_library\(\s*(\w+)(.*?)\)", re.DOTALL)


def folder_of(path):
    """The row of the table that holds for a file: src/core/… -> core, tests/… -> tests."""
    return path.parts[1] if path.parts[0] == "src" else path.parts[0]


def may_include(folder, header):
    target = header.split("/")[0]
    if target == "quire":
        allowed = MAY_INCLUDE_PUBLIC.get(folder, set())
        return allowed is ANY or header.removeprefix("quire/") in allowed | {"api.h", "error.h"}
    allowed = MAY_INCLUDE.get(folder, set())
    return target == folder or target in allowed or header in allowed


def is_open_in_server(path, header):
    """Whether a file in a folder of src/server/ may include the header, if it is the server's."""
    parts = header.split("/")
    if path.parts[:2] != ("src", "server") or len(path.parts) < 4 or len(parts) < 3:
        return True
    own, other = path.parts[2], parts[1]
    closed = SERVER_ENDPOINTS - {own} | (CLOSED_TO_REQUESTS if own == "requests" else set())
    return parts[0] != "server" or other not in closed


def include_problems(path, text):
    folder = folder_of(path)
    if folder == "tests":
        return
    ours = MAY_INCLUDE.keys() | {"bench", "quire"}
    for match in _INCLUDE.finditer(source_tree.blank_comments(text)):
        header = match[1]
        where = f"{path}:{source_tree.line_of(text, match.start())}"
        if "/" not in header or header.split("/")[0] not in ours:
            continue
        if folder == "bench":
            if header.split("/")[0] in CLOSED_TO_BENCH:
                yield f"{where}: bench must not include {header}"
        elif not may_include(folder, header):
            yield f"{where}: {folder} must not include {header}"
        elif not is_open_in_server(path, header):
            yield f"{where}: server/{path.parts[2]} must not include {header}"
        elif header.startswith("v0/") and folder != "v0" and path.stem != "make_scheduler":
            yield f"{where}: v0 is included by engine/make_scheduler.cpp only"


def code_problems(path, text):
    """The rules about a file's text: the environment and the device."""
    code = source_tree.blank_comments(text)
    parts = path.parts
    if parts[:2] != ("tests", "support") and str(path) != "src/base/env.cpp":
        for match in _ENVIRONMENT.finditer(source_tree.blank_literals(text)):
            line = source_tree.line_of(text, match.start())
            yield f"{path}:{line}: the environment is read in src/base/env.cpp only"
    if parts[:2] != ("src", "backend") and "backend" not in parts:
        for match in _DEVICE_IFDEF.finditer(code):
            line = source_tree.line_of(text, match.start())
            yield f"{path}:{line}: #if on a device or instruction set outside src/backend"


def link_problems(path, text):
    """A folder's CMake target links only what its row allows."""
    folder = folder_of(path)
    if folder not in MAY_INCLUDE:
        return
    allowed = {entry.split("/")[0] for entry in MAY_INCLUDE[folder]} | {folder}
    for name, arguments in _LIBRARY.findall(text):
        for linked in re.findall(r"\bquire_(\w+)", arguments):
            if linked in MAY_INCLUDE and linked not in allowed:
                yield f"{path}: quire_{name} must not link quire_{linked}"


def folder_problems(folders):
    """`folders`: (top, name) of every folder under src/ and tests/."""
    sources = {name for top, name in folders if top == "src"}
    for name in sorted(sources - MAY_INCLUDE.keys()):
        yield f"src/{name}: has no row in the table of floors"
    tests = {name for top, name in folders if top == "tests"}
    for name in sorted(tests - sources - TEST_FOLDERS_OF_THEIR_OWN):
        yield f"tests/{name}: mirrors no folder of src/"


def _cell(names):
    """As ARCHITECTURE.md writes a set of folders or headers, but in no order."""
    return {"all"} if names is ANY else set(names) or {"–"}


def table_problems(page):
    """The table of ARCHITECTURE.md says what the dictionaries above say."""
    section = re.search(r"^## 3\..*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    rows = {
        row[1]: (set(row[2].split(", ")), set(row[3].split(", ")))
        for row in _ROW.finditer(section[0] if section else "")
    }
    rows.pop("folder", None)
    expected = {
        folder: (_cell(ours), _cell(MAY_INCLUDE_PUBLIC.get(folder, set())))
        for folder, ours in MAY_INCLUDE.items()
    }
    open_to_bench = {f"all but {', '.join(sorted(CLOSED_TO_BENCH))}"}
    expected["bench"] = (open_to_bench, _cell(MAY_INCLUDE_PUBLIC["bench"]))
    for folder in sorted(expected.keys() - rows.keys()):
        yield f"ARCHITECTURE.md: the table of floors has no row for {folder}"
    for folder in sorted(rows.keys() - expected.keys()):
        yield f"ARCHITECTURE.md: tools/check_floors.py has no row for {folder}"
    for folder in sorted(rows.keys() & expected.keys()):
        for written, checked in zip(rows[folder], expected[folder], strict=True):
            if written != checked:
                yield (
                    f"ARCHITECTURE.md: {folder} may include {', '.join(sorted(written))} there, "
                    f"and {', '.join(sorted(checked))} in tools/check_floors.py"
                )


def main():
    page = (source_tree.ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    problems = list(table_problems(page))
    folders = set()
    for path in source_tree.files():
        if len(path.parts) > 2 and path.parts[0] in ("src", "tests"):
            folders.add(path.parts[:2])
        is_cmake = path.name == "CMakeLists.txt"
        if path.suffix not in CODE and not is_cmake:
            continue
        text = (source_tree.ROOT / path).read_text(encoding="utf-8")
        if is_cmake:
            problems += link_problems(path, text)
        else:
            problems += include_problems(path, text)
            problems += code_problems(path, text)
    return source_tree.report(problems + list(folder_problems(folders)), "floors")


if __name__ == "__main__":
    sys.exit(main())
