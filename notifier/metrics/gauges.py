"""The gauges of what there is to do, and of how gateways and endpoints stand.

An instance among others counts what it owns alone, so that sums over all instances are right.
"""

from collections import Counter as TallyOf
from collections.abc import Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily as Family
from prometheus_client.registry import Collector

from notifier import __version__
from notifier.model.workload import Backlog, Workload


class Gauges(Collector):
    """The gauges; built anew for each scrape, so that removed names leave no series."""

    def __init__(self) -> None:
        self.gateways: frozenset[str] = frozenset()
        self.endpoints: frozenset[str] = frozenset()
        self.paused: set[str] = set()
        self.up: Mapping[str, bool] = {}
        self.readable: Mapping[str, bool] = {}
        self.passing = TallyOf[str]()
        self.failing: set[str] = set()
        self.archive: tuple[int, int, Mapping[str, int]] | None = None
        self.workload: Workload | None = None
        self.config_is_good = True
        self.config_loaded_at: float | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield every gauge."""
        build = Family("notifier_build_info", "The version that runs.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        yield from self._config()
        paused = Family(
            "notifier_gateway_paused", "1 while a gateway refuses the key.", labels=["gateway"]
        )
        for name in sorted(self.gateways):
            paused.add_metric([name], name in self.paused)
        yield paused
        up = Family(
            "notifier_gateway_up",
            "0 while a gateway is paused, or its last three requests were not answered.",
            labels=["gateway"],
        )
        for name in sorted(self.gateways):
            up.add_metric([name], self.up.get(name, True))
        yield up
        readable = Family(
            "notifier_discovery_up",
            "0 while the list of a gateway with discover cannot be read.",
            labels=["gateway"],
        )
        for name in sorted(self.gateways & self.readable.keys()):
            readable.add_metric([name], self.readable[name])
        yield readable
        under_way = Family(
            "notifier_passed_requests_in_flight",
            "Requests that are being passed on.",
            labels=["gateway"],
        )
        for name in sorted(self.gateways & self.passing.keys()):
            under_way.add_metric([name], self.passing[name])
        yield under_way
        if self.archive is not None:
            yield from self._archive(*self.archive)
        if self.workload is not None:
            yield from self._workload(self.workload)

    def _archive(self, held: int, most: int, waiting: Mapping[str, int]) -> Iterator[Metric]:
        yield Family("notifier_archive_bytes", "What the archive holds, in bytes.", held)
        yield Family(
            "notifier_archive_max_bytes", "What the archive may hold: max_total_bytes.", most
        )
        pending = Family(
            "notifier_archive_waiting", "Videos that are still to be archived.", labels=["gateway"]
        )
        for name in sorted(self.gateways):
            pending.add_metric([name], waiting.get(name, 0))
        yield pending

    def _config(self) -> Iterator[Metric]:
        if self.config_loaded_at is not None:
            yield Family(
                "notifier_config_last_reload_successful",
                "1 if the last config that was read is the one in use.",
                self.config_is_good,
            )
            yield Family(
                "notifier_config_last_reload_success_timestamp_seconds",
                "When the config in use was read.",
                self.config_loaded_at,
            )

    def _workload(self, workload: Workload) -> Iterator[Metric]:
        watches = Family(
            "notifier_open_watches", "Videos whose ending is waited for.", labels=["gateway"]
        )
        for name in sorted({*self.gateways, *workload.open_watches}):
            watches.add_metric([name], workload.open_watches.get(name, 0))
        yield watches
        deliveries = Family(
            "notifier_deliveries",
            "Deliveries that wait, are held for a disabled endpoint, or were given up.",
            labels=["endpoint", "state"],
        )
        states = Family(
            "notifier_endpoint_state",
            "1 for the state that an endpoint is in, 0 for the others.",
            labels=["endpoint", "state"],
        )
        lanes = self.endpoints if workload.lanes is None else workload.lanes
        for name in sorted(self.endpoints.intersection(lanes)):
            backlog = workload.backlogs.get(name, Backlog())
            for state, number in backlog._asdict().items():
                deliveries.add_metric([name, state], number)
            now = self._state(name, workload)
            for state in ("ok", "failing", "disabled"):
                states.add_metric([name, state], state == now)
        yield deliveries
        yield states

    def _state(self, endpoint: str, workload: Workload) -> str:
        if endpoint in workload.disabled:
            return "disabled"
        return "failing" if endpoint in self.failing else "ok"
