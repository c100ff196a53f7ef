"""Counters and histograms for what happens with every poll and every attempt.

Those of `prometheus_client` take a lock and make several calls each time. These are used by one
thread alone, and are written out through the library's interface for collectors, the same way.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Totals(Collector):
    """A counter with `labels`."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._described = (name, text, labels)
        self._numbers: dict[tuple[str, ...], int] = {}
        registry.register(self)

    def count(self, *values: str) -> None:
        """Count one more with these values of the labels."""
        self._numbers[values] = self._numbers.get(values, 0) + 1

    def describe(self) -> list[CounterMetricFamily]:
        """Return the name, without any number."""
        name, text, labels = self._described
        return [CounterMetricFamily(name, text, labels=labels)]

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield all numbers."""
        [family] = self.describe()
        for values, number in list(self._numbers.items()):
            family.add_metric(values, number)
        yield family


class _Distribution:
    """How many durations lie in each bucket, and their sum."""

    __slots__ = ("numbers", "total")

    def __init__(self, buckets: int) -> None:
        self.numbers = [0] * buckets
        self.total = 0.0


class Durations(Collector):
    """A histogram with the label `label`; `bounds` are the upper bounds of its buckets."""

    def __init__(
        self,
        name: str,
        text: str,
        label: str,
        bounds: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._described = (name, text, label)
        self._bounds = (*bounds, math.inf)
        self._names = [
            floatToGoString(bound)  # type: ignore[no-untyped-call]  # the library left its types out
            for bound in self._bounds
        ]
        self._by_value: dict[str, _Distribution] = {}
        registry.register(self)

    def observe(self, value: str, seconds: float) -> None:
        """Add a duration with this value of the label."""
        found = self._by_value.get(value)
        if found is None:
            found = self._by_value[value] = _Distribution(len(self._bounds))
        found.numbers[bisect_left(self._bounds, seconds)] += 1
        found.total += seconds

    def describe(self) -> list[HistogramMetricFamily]:
        """Return the name, without any number."""
        name, text, label = self._described
        return [HistogramMetricFamily(name, text, labels=[label])]

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield all numbers; those of a bucket include the buckets below it."""
        [family] = self.describe()
        for value, found in list(self._by_value.items()):
            buckets = zip(self._names, accumulate(found.numbers), strict=True)
            family.add_metric([value], list(buckets), found.total)
        yield family
