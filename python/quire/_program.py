"""The console scripts quire and vllm: the native program takes this process over."""

import os
import sys
from pathlib import Path


def program() -> str:
    """Path of the native program that came with this package."""
    return str(Path(__file__).parent / "bin" / "quire")


def main() -> None:
    os.execv(program(), [program(), *sys.argv[1:]])
