"""What becomes of engines when the process ends or forks.

In a forked child their threads are not there, so every call is refused.
"""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Any, NoReturn

from quire._quire import keep_forever

_holders: weakref.WeakSet[Any] = weakref.WeakSet()


class _LeftBehind:
    """Stands for the engine of the parent process."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(
            "This process was forked after its engine had started, and an engine's threads do not "
            "come along. Make the engine in the process that uses it, or start processes with "
            'multiprocessing.get_context("spawn").'
        )


def guard(holder: Any) -> None:
    """Watches over the engine `holder._native` and the streams of `holder._streams`, if any."""
    _holders.add(holder)


def _leave_behind() -> None:
    for holder in list(_holders):
        keep_forever(holder._native)
        for stream in getattr(holder, "_streams", {}).values():
            keep_forever(stream)
        holder._native = _LeftBehind()
    _holders.clear()


def _end_all() -> None:
    """A thread of an engine must not ask for the GIL of an interpreter that is gone."""
    for holder in list(_holders):
        holder._native.shutdown()


atexit.register(_end_all)
os.register_at_fork(after_in_child=_leave_behind)
