#!/usr/bin/env python3
"""The web page in src/server/ui was made of the sources in ui/, and its policy fits it."""

import base64
import gzip
import hashlib
import json
import pathlib
import re
import sys

import source_tree

FOLDER = pathlib.PurePosixPath("src/server/ui")
# Beside ui/src: what decides how the bundle comes out.
OTHER_SOURCES = ("build.mjs", "package.json", "package-lock.json", "tsconfig.json")


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def is_source(path):
    return path.parts[:2] == ("ui", "src") or str(path) in {f"ui/{name}" for name in OTHER_SOURCES}


def source_problems(hashes, contents):
    """`hashes`: of the sources as bundled; `contents`: of the sources in the tree. By path."""
    for path in sorted(hashes.keys() | contents.keys()):
        if path not in contents:
            yield f"{path}: was bundled, and is not in the tree"
        elif path not in hashes:
            yield f"{path}: is not in the bundle"
        elif hashes[path] != sha256(contents[path]):
            yield f"{path}: changed since the page was bundled"


def policy_problems(html, policy):
    """The hashes of the policy are those of the only inline script and style."""
    for name in ("script", "style"):
        elements = re.findall(rf"<{name}\b([^>]*)>(.*?)</{name}>", html, re.DOTALL)
        if len(elements) != 1 or elements[0][0]:
            yield f"{FOLDER}/index.html.gz: wants exactly one <{name}>, without attributes"
            continue
        digest = base64.b64encode(hashlib.sha256(elements[0][1].encode()).digest()).decode()
        if f"{name}-src 'sha256-{digest}';" not in policy:
            yield f"{FOLDER}/page_bundle.h: the hash of {name}-src is not that of the page's {name}"
    if "unsafe" in policy or not policy.startswith("default-src 'none';"):
        yield f"{FOLDER}/page_bundle.h: the policy is not strict"


def problems_of(root, paths):
    manifest = json.loads((root / FOLDER / "bundle.json").read_text(encoding="utf-8"))
    contents = {str(path): (root / path).read_bytes() for path in paths if is_source(path)}
    yield from source_problems(manifest["sources"], contents)
    page = gzip.decompress((root / FOLDER / "index.html.gz").read_bytes())
    if sha256(page) != manifest["page"]:
        yield f"{FOLDER}/index.html.gz: is not the page that bundle.json tells of"
    header = (root / FOLDER / "page_bundle.h").read_text(encoding="utf-8")
    if f'kPageEtag[] = "\\"{sha256(page)[:32]}\\"";' not in header:
        yield f"{FOLDER}/page_bundle.h: the ETag is not that of the page"
    policy = "".join(re.findall(r'"([^"]*)"', header[header.index("kPagePolicy") :]))
    yield from policy_problems(page.decode(), policy)


def main():
    problems = list(problems_of(source_tree.ROOT, source_tree.files()))
    if problems:
        print("The page is made anew by: npm --prefix ui ci && npm --prefix ui run build")
    return source_tree.report(problems, "page")


if __name__ == "__main__":
    sys.exit(main())
