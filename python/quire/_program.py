"""The console scripts quire and vllm: the native program takes this process over."""

import os
import sys
from pathlib import Path


def program() -> str:
    """Path of the native program that came with this package."""
    return str(Path(__file__).parent / "bin" / "quire")


def main() -> None:
    if sys.argv[1:2] == ["migrate-check"]:  # scripts are read here
        from quire.migrate_check import main as migrate_check

        sys.exit(migrate_check(sys.argv[2:]))
    os.execv(program(), [program(), *sys.argv[1:]])
