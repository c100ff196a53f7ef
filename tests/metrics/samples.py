"""Filled metrics, and the samples that a scrape reads."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from notifier.errors import StoreError
from notifier.metrics import ClusterCondition, Metrics
from notifier.model.lease import LeaseKind
from notifier.model.workload import Backlog, Workload
from tests.builders import START

Values = Mapping[tuple[str, ...], float]


def values(metrics: Metrics) -> Values:
    """Return every sample by its name and the values of its labels."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


class Stands:
    """A store with a given workload, or one that cannot be read."""

    def __init__(self, workload: Workload | None) -> None:
        self._workload = workload

    async def workload(self) -> Workload:
        if self._workload is None:
            raise StoreError("the disk is gone")
        return self._workload


async def everything() -> Metrics:
    """Return metrics of each kind."""
    metrics = Metrics()
    metrics.configured(["main"], ["app"])
    metrics.config_loaded(START)
    metrics.poll("main", "seen")
    metrics.poll_lag("main", 0.2)
    metrics.budget_wait("main", 0)
    metrics.discovered("main", 1)
    metrics.lists_readable({"main": True})
    metrics.passing("main")
    metrics.passing("main")
    metrics.passed("main", "answered")
    metrics.archived("main", "archived", 1000)
    metrics.archive_state(1000, 2000, {"main": 1})
    metrics.attempt("app", "http_500", 0.3)
    metrics.delivered("app", 2)
    metrics.commit(0.004)
    condition = ClusterCondition(3, {LeaseKind.WATCH: 21, LeaseKind.LANE: 1}, 9.5, 1)
    metrics.joined_cluster(lambda: condition)
    metrics.fenced_write()
    metrics.takeover(0.2)
    await metrics.refresh(Stands(Workload({"main": 3}, {"app": Backlog(1, 0, 2)}, [])))
    return metrics
