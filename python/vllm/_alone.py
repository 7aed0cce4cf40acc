"""Importing this fails where vLLM itself is installed too: both own the folder vllm."""

import os
import sys


def check_alone() -> None:
    if not _is_listed():
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        other = version("vllm")
    except PackageNotFoundError:
        return
    raise ImportError(
        f"vllm {other} and quire are both installed here, and both bring a package named vllm: "
        "their files are mixed now. Keep one of them. For quire: `pip uninstall -y vllm quire` and "
        "`pip install quire`; for vLLM: the same with the last word `vllm`. With both, "
        "`import quire` works."
    )


def _is_listed() -> bool:
    """Whether a folder of modules seems to have vLLM's metadata; importlib.metadata knows for sure,
    but importing it takes longer than all of this package."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:  # not a folder
            continue
        if any(name.lower().startswith(("vllm-", "vllm.")) for name in names):
            return True
    return False
