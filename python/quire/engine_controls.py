"""What the synchronous engines have in common beside requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from quire.engine_args import NO_PROFILER
from quire.refusals import refuse_tags

if TYPE_CHECKING:
    from quire._quire import NativeEngine, NativeLLM
    from quire.metrics import Metric


class EngineControls:
    """Sleep, metrics and the profiler that there is not, over the native engine in _native."""

    _native: NativeLLM | NativeEngine

    def sleep(self, level: int = 1, mode: str = "abort") -> None:
        """Forgets the prefix cache and gives its memory back to the system until wake_up().

        level 0 only pauses; 2 is refused, because weights cannot be discarded. mode: what becomes
        of requests that run: "abort", "wait" (for their end) or "keep" (for later).
        """
        self._native.sleep(level, mode)

    def wake_up(self, tags: list[str] | None = None) -> None:
        refuse_tags(tags)
        self._native.wake_up()

    def is_sleeping(self) -> bool:
        return self._native.is_sleeping()

    def get_metrics(self) -> list[Metric]:
        """Counters, gauges and histograms of the engine, by the names of docs/metrics.md."""
        return self._native.metrics()

    def reset_mm_cache(self) -> None:
        """Forgets images and the like, of which there are none."""

    def start_profile(self, *_: Any) -> NoReturn:
        raise NotImplementedError(NO_PROFILER)

    def stop_profile(self) -> NoReturn:
        raise NotImplementedError(NO_PROFILER)
