"""What get_metrics() returns: the engine's counters and gauges, by the names of docs/metrics.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Metric:
    """A value with its name and its labels (model_name, engine and others)."""

    name: str
    labels: dict[str, str]


@dataclass
class Counter(Metric):
    """A sum that only grows. Its name in Prometheus' text ends with _total, here it does not."""

    value: int


@dataclass
class Vector(Metric):
    """A counter for each of a row of places."""

    values: list[int]


@dataclass
class Gauge(Metric):
    """A value that goes up and down."""

    value: float


@dataclass
class Histogram(Metric):
    """count and sum of all observations; buckets: how many were at most the bound."""

    count: int
    sum: float
    buckets: dict[str, int]
