"""What is said of one thing of a script, and how values are shown in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from quire._quire import is_secret
from quire.migrate_check.values import is_known

WORKS, CHANGED, REFUSED, UNSURE = "works", "changed", "refused", "unsure"
ENGINE = "engine"

_HIDDEN = "…"
_LONGEST = 80  # characters of a value
_SHORTEST_SECRET = 4  # characters; shorter ones are in many words
_ERRORS = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)


class Finding(NamedTuple):
    """fate: works, changed, refused, or unsure for what only a run can tell; "engine" for the
    engine that runs. line: 0 without one. cell: of a notebook, from 1 on; 0 elsewhere."""

    line: int
    what: str
    fate: str
    sentence: str = ""
    cell: int = 0

    def __str__(self) -> str:
        cell = f"cell {self.cell} " if self.cell else ""
        place = f"{cell}line {self.line}: " if self.line else ""
        return f"{self.fate:<8} {place}{self.what}" + (
            f": {self.sentence}" if self.sentence else ""
        )


def shown(name: str, value: Any) -> str:
    """A value as a script would write it; "…" for what is not known or nobody should read."""
    if is_secret(name) or not is_known(value):
        return _HIDDEN
    text = repr(_without_secrets(value))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + _HIDDEN


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _HIDDEN if isinstance(key, str) and is_secret(key) else _without_secrets(one)
            for key, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(_without_secrets(one) for one in value)
    return value


def sentence_of(error: BaseException, name: str = "", value: Any = None) -> str:
    """What an error says, without the value if it is a secret one."""
    text = str(error)
    if not is_secret(name) or value is None or not is_known(value):
        return text
    text = text.replace(repr(value), _HIDDEN)
    return text.replace(str(value), _HIDDEN) if len(str(value)) >= _SHORTEST_SECRET else text


def error_of(call: Callable[[], object]) -> BaseException | None:
    """What the call raises."""
    try:
        call()
    except _ERRORS as error:
        return error
    return None
