"""The licences of the Rust crates that are linked into the text library, and so into the wheel."""

import dataclasses
import json
import pathlib
import re
import subprocess

import source_tree

RUST = source_tree.ROOT / "rust"

_LICENCE_FILE = re.compile(r"(un)?licen[cs]e|copying|copyright|notice", re.IGNORECASE)
# C sources in crates, whose licence stands at their beginning alone.
_NOTICES = {
    "pcre2-sys": ("upstream/src/pcre2_match.c", "upstream/deps/sljit/sljit_src/sljitLir.c"),
}


@dataclasses.dataclass
class Crate:
    name: str
    version: str
    licence: str  # SPDX expression
    authors: list
    texts: dict  # file name -> bytes; empty where the crate ships none


def linked_crates():
    """Those of Cargo.lock that end in the archive, by name and version, and Rust's own library."""
    folder = _output(source_tree.ROOT / "scripts/find_rust.sh").strip()
    rustc = pathlib.Path(folder, "rustc")
    (host,) = re.findall(r"^host: (.*)$", _output(rustc, "-vV"), re.MULTILINE)
    options = ["--format-version", "1", "--locked", "--offline", "--filter-platform", host]
    metadata = json.loads(_output(pathlib.Path(folder, "cargo"), "metadata", *options))
    packages = {package["id"]: package for package in metadata["packages"]}
    crates = [_crate(packages[name]) for name in linked_ids(metadata, packages)]
    return sorted([*crates, _standard_library(rustc)], key=lambda one: (one.name, one.version))


def linked_ids(metadata, packages):
    """Ids of what the root needs when it runs: neither build scripts nor procedural macros."""
    resolve = metadata["resolve"]
    nodes = {node["id"]: node for node in resolve["nodes"]}
    seen, waiting = set(), [resolve["root"]]
    while waiting:
        one = waiting.pop()
        if one in seen or _is_macro(packages[one]):
            continue
        seen.add(one)
        for dependency in nodes[one]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return seen - {resolve["root"]}


def _is_macro(package):
    return any("proc-macro" in target["kind"] for target in package["targets"])


def _crate(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    texts = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if _is_text(path)}
    for name in _NOTICES.get(package["name"], ()):
        texts[pathlib.PurePath(name).stem + "-NOTICE"] = _first_comments(folder / name)
    licence = package["license"] or package["license_file"] or ""
    return Crate(package["name"], package["version"], licence, package["authors"], texts)


def _is_text(path):
    return path.is_file() and _LICENCE_FILE.match(path.name)


def _first_comments(path):
    """Of a C file: all comments before its first line of code."""
    text = path.read_text(encoding="utf-8")
    return re.match(r"(\s*/\*.*?\*/)+", text, re.DOTALL)[0].strip().encode()


def _standard_library(rustc):
    sysroot = pathlib.Path(_output(rustc, "--print", "sysroot").strip())
    texts = {path.name: path.read_bytes() for path in sysroot.glob("share/doc/rust/*-library.html")}
    version = _output(rustc, "--version").split()[1]
    return Crate("std", version, "MIT OR Apache-2.0", ["The Rust Project Developers"], texts)


def _output(*command):
    done = subprocess.run(command, cwd=RUST, check=True, capture_output=True, text=True)
    return done.stdout
