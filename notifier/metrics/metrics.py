"""Metrics in Prometheus's text format: counters and histograms of events, gauges of the state.

Every label is a name from the config or one of a closed set of words, so that no peer can create
series. No value is a secret.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from notifier.errors import StoreError
from notifier.metrics.cluster import ClusterCondition, ClusterMetrics
from notifier.metrics.gauges import Gauges
from notifier.metrics.totals import Durations, Totals
from notifier.model.workload import Workload

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The type of what `Metrics.render` returns."""

_COMMIT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_WAIT = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_ATTEMPT = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)
# up to three days, which the default retry schedule lasts
_DELIVERY = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 21_600, 86_400, 259_200)

_ANSWERED = frozenset({"seen", "listed", "not_listed", "not_found"})
"""The outcomes of status requests that the gateway answered."""

# the library adds a second series to each counter, with the time of its creation
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left its types out


class WorkloadStore(Protocol):
    """What the gauges need of the store."""

    async def workload(self) -> Workload:
        """Return how much there is to do."""


class Metrics:
    """The metrics of one daemon; seconds are seconds, times are Unix seconds."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._gauges = Gauges()
        self._registry.register(self._gauges)
        ProcessCollector(registry=self._registry)
        self._polls = Totals(
            "notifier_polls",
            "Status requests to gateways, by what came of them.",
            ("gateway", "outcome"),
            self._registry,
        )
        self._poll_lag = Durations(
            "notifier_poll_lag_seconds",
            "How much later than planned a video was asked about.",
            *("gateway", _WAIT, self._registry),
        )
        self._budget_wait = Durations(
            "notifier_budget_wait_seconds",
            "The wait for a turn within a gateway's budget.",
            *("gateway", _WAIT, self._registry),
        )
        self._attempts = Totals(
            "notifier_delivery_attempts",
            "Attempts to deliver, by what came.",
            ("endpoint", "outcome"),
            self._registry,
        )
        self._attempt_duration = Durations(
            "notifier_delivery_attempt_duration_seconds",
            "How long attempts took.",
            *("endpoint", _ATTEMPT, self._registry),
        )
        self._latency = Durations(
            "notifier_delivery_latency_seconds",
            "From the record of an event to its receipt.",
            *("endpoint", _DELIVERY, self._registry),
        )
        self._commit = Histogram(
            "notifier_store_commit_duration_seconds",
            "From asking for a change until it is on disk.",
            buckets=_COMMIT,
            registry=self._registry,
        )
        self._discovered = self._counter(
            "discovered_videos", "Videos that were found on a gateway's list.", "gateway"
        )
        self._passed = self._counter(
            "passed_requests",
            "Requests that were passed on, by what came of them.",
            *("gateway", "outcome"),
        )
        self._archive = self._counter(
            "archive_results",
            "Videos archived, attempts that failed, and videos given up.",
            *("gateway", "result"),
        )
        self._archived_bytes = self._counter(
            "archived_bytes", "Bytes of the videos that were archived.", "gateway"
        )
        self._cluster: ClusterMetrics | None = None

    def configured(self, gateways: Collection[str], endpoints: Collection[str]) -> None:
        """Set the names that are in use from now on."""
        self._gauges.gateways = frozenset(gateways)
        self._gauges.endpoints = frozenset(endpoints)

    def config_loaded(self, at: float) -> None:
        """Record that a config was applied."""
        self._gauges.config_is_good = True
        self._gauges.config_loaded_at = at

    def config_refused(self) -> None:
        """Record that a new config was refused; the previous one stays in use."""
        self._gauges.config_is_good = False

    def poll(self, gateway: str, outcome: str) -> None:
        """Count a status request."""
        self._polls.count(gateway, outcome)

    def poll_lag(self, gateway: str, seconds: float) -> None:
        """Record how much later than planned a video was polled."""
        self._poll_lag.observe(gateway, max(seconds, 0))

    def budget_wait(self, gateway: str, seconds: float) -> None:
        """Record how long a poll waited for its gateway's budget."""
        self._budget_wait.observe(gateway, seconds)

    def gateway_paused(self, gateway: str, *, paused: bool) -> None:
        """Set whether a gateway refuses its key."""
        _keep(self._gauges.paused, gateway, wanted=paused)

    def gateways_up(self, up: Mapping[str, bool]) -> None:
        """Note which gateways answer, by name."""
        self._gauges.up = dict(up)

    def discovered(self, gateway: str, number: int) -> None:
        """Count videos that were found on a gateway's list."""
        self._discovered.labels(gateway).inc(number)

    def passing(self, gateway: str) -> None:
        """Note that a request is being passed on."""
        self._gauges.passing[gateway] += 1

    def passed(self, gateway: str, outcome: str) -> None:
        """Count what came of a request that was passed on: a word of a closed set."""
        self._gauges.passing[gateway] -= 1
        self._passed.labels(gateway, outcome).inc()

    def archiving(self, gateway: str) -> None:
        """Have the counters of a gateway at 0, so that an alert notices their first increase."""
        for result in ("archived", "failed_attempt", "failed"):
            self._archive.labels(gateway, result)

    def archived(self, gateway: str, result: str, size: int = 0) -> None:
        """Count what came of an attempt to archive a video: a word of a closed set."""
        self._archive.labels(gateway, result).inc()
        if size:
            self._archived_bytes.labels(gateway).inc(size)

    def archive_state(self, held: int, most: int, waiting: Mapping[str, int]) -> None:
        """Note how many bytes the archive holds, how many it may, and what waits by gateway."""
        self._gauges.archive = (held, most, dict(waiting))

    def no_archive(self) -> None:
        """Note that nothing is archived here, or not any more."""
        self._gauges.archive = None

    def lists_readable(self, readable: Mapping[str, bool]) -> None:
        """Note which gateways with `discover` have a list that can be read, by name."""
        self._gauges.readable = dict(readable)

    def attempt(self, endpoint: str, outcome: str, seconds: float) -> None:
        """Count a delivery attempt and record how long it took."""
        # the code in `refused_CODE` is the receiver's, who could make a label for each answer
        known = "refused" if outcome.startswith("refused_") else outcome
        self._attempts.count(endpoint, known)
        self._attempt_duration.observe(endpoint, seconds)

    def delivered(self, endpoint: str, seconds: float) -> None:
        """Record how long after its commit an event was received."""
        self._latency.observe(endpoint, max(seconds, 0))

    def endpoint_failing(self, endpoint: str, *, failing: bool) -> None:
        """Set whether an endpoint gets probes only."""
        _keep(self._gauges.failing, endpoint, wanted=failing)

    def commit(self, seconds: float) -> None:
        """Record how long a commit took."""
        self._commit.observe(seconds)

    def joined_cluster(self, condition: Callable[[], ClusterCondition]) -> None:
        """Have the metrics of an instance among others; `condition` tells how it stands."""
        self._cluster = ClusterMetrics(self._registry, condition)

    def fenced_write(self) -> None:
        """Count a write that was rejected because another instance does that work now."""
        if self._cluster is not None:
            self._cluster.fenced_writes.inc()

    def late_hint(self) -> None:
        """Count mail that was found by looking: no hint of it had come."""
        if self._cluster is not None:
            self._cluster.late_hints.inc()

    def takeover(self, seconds: float) -> None:
        """Record how long it took from taking leases until their work was done here."""
        if self._cluster is not None:
            self._cluster.takeovers.observe(seconds)

    def activity(self) -> dict[str, tuple[int, int]]:
        """Return how many requests there were since the start, and how many of them failed.

        The keys are `gateway:NAME` and `endpoint:NAME`.
        """
        totals: dict[str, tuple[int, int]] = {}
        for counter, kind, good in (
            (self._polls, "gateway", _ANSWERED),
            (self._attempts, "endpoint", {"delivered"}),
        ):
            for sample in next(iter(counter.collect())).samples:
                name = f"{kind}:{sample.labels[kind]}"
                every, failed = totals.get(name, (0, 0))
                number = int(sample.value)
                bad = 0 if sample.labels["outcome"] in good else number
                totals[name] = every + number, failed + bad
        return totals

    async def refresh(self, store: WorkloadStore) -> None:
        """Read the gauges of the store; they are left out of `render` when it cannot be read."""
        try:
            self._gauges.workload = await store.workload()
        except StoreError:
            self._gauges.workload = None

    def render(self) -> bytes:
        """Return all metrics as the body of a scrape."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"notifier_{name}", text, labels, registry=self._registry)


def _keep(names: set[str], name: str, *, wanted: bool) -> None:
    if wanted:
        names.add(name)
    else:
        names.discard(name)
