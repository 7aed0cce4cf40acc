"""Whether the package vllm beside this one is still quire's own.

vLLM installed after quire writes over files of the package vllm, and vLLM uninstalled takes them
along. `import vllm` is then not quire's, so `import quire` says so.
"""

from __future__ import annotations

import os
import warnings

# In the first lines of vllm/__init__.py.
_MARKER = b"drop-in names of vLLM, on the engine of quire"
_MEND = (
    "Keep one of them. For quire: `pip uninstall -y vllm quire` and `pip install quire`; for vLLM: "
    "the same with the last word `vllm`."
)


def warn_if_replaced() -> None:
    """A RuntimeWarning when the package vllm in this package's folder of modules is another's."""
    folder = os.path.join(os.path.dirname(os.path.dirname(__file__)), "vllm")
    try:
        with open(os.path.join(folder, "__init__.py"), "rb") as file:
            if _MARKER in file.read(200):
                return
        state = (
            "vLLM was installed over quire: `import vllm` is vLLM itself, and files of quire lie "
            "among its own."
        )
    except OSError:
        if not os.path.isdir(folder):  # someone wants quire alone
            return
        state = (
            "vllm/__init__.py, which is quire's, is gone, as after `pip uninstall vllm`: "
            "`import vllm` has no names."
        )
    warnings.warn(f"{state} {_MEND} `import quire` works.", RuntimeWarning, stacklevel=3)
