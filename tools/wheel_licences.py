"""Adds to a wheel the licences of what is in it and not quire's own.

Those are the libraries that auditwheel copied, the crates of the text library, and the C++ headers
whose code is compiled in. Beside the wheel's own licence, third_party.json lists them all with the
files that hold their licences, each distinct text once.
"""

import base64
import hashlib
import importlib.metadata
import json
import pathlib
import re
import subprocess
import zipfile

import crate_licences

LISTING = "third_party.json"
# Whose headers hold code, and a header of each. Boost's licence asks for nothing beside binaries.
_HEADERS = {
    "CLI11": "CLI/CLI.hpp",
    "nlohmann-json": "nlohmann/json.hpp",
}
# auditwheel puts a hash into the names: libcurl-02fbea31.so.4.8.0.
_HASH = re.compile(r"-[0-9a-f]{8}(?=\.)")


class Texts:
    """Licence files for a wheel: equal texts are kept once, under their first name."""

    def __init__(self):
        self.files = {}  # path below licenses/ -> bytes
        self._paths = {}  # text -> path

    def add(self, path, text):
        """Where the text is."""
        place = self._paths.setdefault(text.strip(), path)
        self.files.setdefault(place, text)
        return place


def package_of(pattern):
    """The system's package that has a file."""
    command = ["dpkg-query", "-S", pattern]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return listing.split(":")[0]


def copyright_of(package):
    return pathlib.Path("/usr/share/doc", package, "copyright").read_bytes()


def describe_libraries(names, texts):
    """names: of files in quire.libs."""
    for name in sorted(names):
        package = package_of(f"*/{_HASH.sub('', name)}")
        path = texts.add(f"libraries/{package}.txt", copyright_of(package))
        yield {"file": name, "package": package, "licences": [path]}


def describe_headers(texts):
    for name, header in _HEADERS.items():
        package = package_of(f"/usr/include/{header}")
        path = texts.add(f"libraries/{package}.txt", copyright_of(package))
        yield {"name": name, "package": package, "licences": [path]}
    nanobind = importlib.metadata.distribution("nanobind")
    (licence,) = [file for file in nanobind.files if file.name == "LICENSE"]
    path = texts.add("libraries/nanobind.txt", licence.locate().read_bytes())
    yield {"name": "nanobind", "version": nanobind.version, "licences": [path]}


def describe_crates(crates, texts):
    for crate in crates:
        paths = [
            texts.add(f"crates/{crate.name}-{name}", text) for name, text in crate.texts.items()
        ]
        yield {
            "name": crate.name,
            "version": crate.version,
            "licence": crate.licence,
            "authors": crate.authors,
            "licences": paths,
        }


def licence_files(libraries):
    """Path below licenses/ -> text, for a wheel with those libraries."""
    texts = Texts()
    listing = {
        "libraries": list(describe_libraries(libraries, texts)),
        "headers": list(describe_headers(texts)),
        "crates": list(describe_crates(crate_licences.linked_crates(), texts)),
    }
    text = json.dumps(listing, indent=1, ensure_ascii=False) + "\n"
    return {LISTING: text.encode(), **texts.files}


def record_line(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def add_licences(wheel):
    """Rewrites `wheel` with those files beside its own licence."""
    bare = wheel.rename(wheel.with_suffix(".bare"))
    with (
        zipfile.ZipFile(bare) as source,
        zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        entries = source.infolist()
        (record,) = [entry for entry in entries if entry.filename.endswith(".dist-info/RECORD")]
        for entry in entries:
            if entry is not record:
                target.writestr(entry, source.read(entry), compresslevel=9)
        lines = source.read(record).decode()
        paths = [pathlib.PurePosixPath(entry.filename) for entry in entries]
        libraries = [path.name for path in paths if path.match("quire.libs/lib*")]
        for path, text in licence_files(libraries).items():
            name = record.filename.replace("RECORD", f"licenses/{path}")
            target.writestr(name, text)
            lines += record_line(name, text)
        target.writestr(record, lines)
    bare.unlink()
