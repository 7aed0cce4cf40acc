"""Adds the licences of the libraries that auditwheel copied into a wheel."""

import base64
import hashlib
import pathlib
import re
import subprocess
import zipfile

# auditwheel puts a hash into the names: libcurl-02fbea31.so.4.8.0.
_HASH = re.compile(r"-[0-9a-f]{8}(?=\.)")


def package_of(library):
    """The Debian package of a library's file name."""
    command = ["dpkg-query", "-S", f"*/{_HASH.sub('', library)}"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return listing.split(":")[0]


def licences_of(libraries):
    """Package name -> the text that Debian ships with it."""
    packages = sorted({package_of(library) for library in libraries})
    documents = pathlib.Path("/usr/share/doc")
    return {name: (documents / name / "copyright").read_bytes() for name in packages}


def record_line(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def add_licences(wheel):
    """Rewrites `wheel` with one more file per package beside its own licence."""
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
        libraries = [e.filename for e in entries if e.filename.startswith("quire.libs/lib")]
        licences = licences_of(pathlib.PurePosixPath(name).name for name in libraries)
        for package, text in licences.items():
            name = record.filename.replace("RECORD", f"licenses/libraries/{package}.txt")
            target.writestr(name, text)
            lines += record_line(name, text)
        target.writestr(record, lines)
    bare.unlink()
