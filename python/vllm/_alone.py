"""Importing this fails where vLLM itself is installed too: both own the folder vllm."""

from importlib.metadata import PackageNotFoundError, version


def check_alone() -> None:
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
