#!/usr/bin/env python3
"""ARCHITECTURE.md's list of virtual interfaces, checked against the headers."""

import re
import sys

import source_tree

FOLDERS = {"include", "src", "cli", "apps", "bench", "python"}

_LIST = re.compile(r"^Virtual interfaces, the complete list: (.*?)\.\s", re.MULTILINE | re.DOTALL)
_TOKEN = re.compile(
    r"\b(?:class|struct)\s+(?P<name>\w+)[^;{}()=]*(?P<opening>\{)"
    r"|(?P<brace>[{}])"
    r"|\bvirtual\b[^;{}]*=\s*(?P<pure>0)\s*;"
)


def interfaces(text):
    """The classes with pure virtual functions; not those inside of others, which are details."""
    scopes = []  # per open brace: the name of its class, None for other braces
    found = []
    for token in _TOKEN.finditer(source_tree.blank_literals(text)):
        if token["opening"]:
            scopes.append(token["name"])
        elif token["brace"] == "{":
            scopes.append(None)
        elif token["brace"] == "}":
            del scopes[-1:]
        else:
            names = [name for name in scopes if name]
            if len(names) == 1 and names[0] not in found:
                found.append(names[0])
    return found


def listed(page):
    """The names of the page's list; None: it has none."""
    match = _LIST.search(page)
    return match and re.findall(r"\b[A-Z]\w*[a-z]\w*", match[1])


def problems(page, found):
    names = listed(page)
    if names is None:
        yield "ARCHITECTURE.md: has no list of virtual interfaces"
        return
    for name in sorted(found.keys() - set(names)):
        yield f"{found[name]}: {name} is not in ARCHITECTURE.md's list of virtual interfaces"
    for name in sorted(set(names) - found.keys()):
        yield f"ARCHITECTURE.md: {name} is listed as a virtual interface, but is none"


def main():
    found = {
        name: path
        for path in source_tree.files(".h")
        if path.parts[0] in FOLDERS
        for name in interfaces((source_tree.ROOT / path).read_text(encoding="utf-8"))
    }
    page = (source_tree.ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return source_tree.report(list(problems(page, found)), "virtual interfaces")


if __name__ == "__main__":
    sys.exit(main())
