"""What the tests of other people's programs share."""

import importlib.util
from pathlib import Path
from types import ModuleType

import quire

ROOT = Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "models/small-chat")


def program() -> str:
    """The native program beside the package."""
    return str(Path(quire.__file__).parent / "bin/quire")


def serving() -> ModuleType:
    """tests/python/serving.py, which starts servers."""
    spec = importlib.util.spec_from_file_location("serving", ROOT / "tests/python/serving.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
