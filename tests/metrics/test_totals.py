"""Our own counters and histograms are written out as the library writes its own."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from notifier.metrics.totals import Durations, Totals

BOUNDS = (0.01, 0.5, 1, 2.5, 30, 86_400, 2_592_000)


def test_a_counter_is_written_as_the_library_writes_it() -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    expected = Counter("notifier_x", "Text.", ("gateway", "outcome"), registry=theirs)
    totals = Totals("notifier_x", "Text.", ("gateway", "outcome"), ours)
    assert generate_latest(ours) == generate_latest(theirs)
    for labels in (("a", "seen"), ("b", "http_500"), ("a", "seen")):
        expected.labels(*labels).inc()
        totals.count(*labels)
    assert generate_latest(ours) == generate_latest(theirs)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.010001, 1.0, 7, 30, 100_000.0, 1e9])
def test_a_histogram_is_written_as_the_library_writes_it(seconds: float) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    expected = Histogram("notifier_y", "Text.", ("gateway",), buckets=BOUNDS, registry=theirs)
    durations = Durations("notifier_y", "Text.", "gateway", BOUNDS, ours)
    assert generate_latest(ours) == generate_latest(theirs)
    for gateway, each in (("a", seconds), ("b", 0.3), ("a", 2.5)):
        expected.labels(gateway).observe(each)
        durations.observe(gateway, each)
    assert generate_latest(ours) == generate_latest(theirs)


def test_two_metrics_with_one_name_are_refused() -> None:
    registry = CollectorRegistry()
    Totals("notifier_x", "Text.", ("gateway",), registry)
    with pytest.raises(ValueError, match="notifier_x"):
        Totals("notifier_x", "Text.", ("gateway",), registry)
