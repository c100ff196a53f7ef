"""The metrics of an instance among others: what it owns, and how much time it has left."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily as Family
from prometheus_client.registry import Collector

from notifier.model.lease import LeaseKind

_TAKEOVER = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class ClusterCondition(NamedTuple):
    """How an instance stands: what it owns, and what it saw at its last beat.

    `trust` is for how many seconds it may work without reaching the store, `instances` how many
    have not been buried, itself included. `differing` counts its endpoints that another one has
    configured with another URL.
    """

    instances: int
    leases: Mapping[LeaseKind, int]
    trust: float
    differing: int


class ClusterMetrics(Collector):
    """The metrics that only an instance among others has; the gauges are read at each scrape."""

    def __init__(
        self, registry: CollectorRegistry, condition: Callable[[], ClusterCondition]
    ) -> None:
        self._condition = condition
        registry.register(self)
        self.fenced_writes = Counter(
            "notifier_fenced_writes",
            "Endings that were rejected because another instance polls the video now.",
            registry=registry,
        )
        self.late_hints = Counter(
            "notifier_hints_late",
            "Times that changed watches were found by looking, without a hint.",
            registry=registry,
        )
        self.takeovers = Histogram(
            "notifier_takeover_seconds",
            "From taking leases until their work was begun.",
            buckets=_TAKEOVER,
            registry=registry,
        )

    def collect(self) -> Iterator[Metric]:
        """Yield every gauge."""
        now = self._condition()
        yield Family(
            "notifier_instances",
            "The instances that share the store, as this one saw them at its last beat.",
            now.instances,
        )
        leases = Family("notifier_leases", "Leases that this instance has.", labels=["kind"])
        for kind in LeaseKind:
            leases.add_metric([kind.value], now.leases.get(kind, 0))
        yield leases
        yield Family(
            "notifier_lease_trust_seconds",
            "How long this instance may work without reaching the store.",
            now.trust,
        )
        yield Family(
            "notifier_config_differs",
            "Endpoints that another instance has configured with another URL.",
            now.differing,
        )
