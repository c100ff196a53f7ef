"""The store as one of several instances uses it.

What a daemon that has its store alone may conclude, an instance may not: a source that it has not
may be another instance's, an endpoint that it does not know another's, an attempt in flight
another's, and its clock is not the one that the timestamps are by.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from notifier.errors import NotifierError
from notifier.metrics import Metrics
from notifier.model.delivery import CancelledDeliveries, RecordedEnding
from notifier.model.discovery import FoundJob, Mark
from notifier.model.event import NewEvent, NotRecorded
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.health import Health
from notifier.model.job_sample import JobSample
from notifier.model.lease import Fence
from notifier.model.steady_base import SteadyBase
from notifier.model.video import Snapshot
from notifier.model.watch import (
    Callback,
    Listing,
    ListingChange,
    Watch,
    WatchChanges,
    WatchKey,
    WatchSpec,
)
from notifier.model.workload import Workload
from notifier.store import (
    api_watches,
    configured,
    discovery,
    endpoints,
    leases,
    listings,
    own_workload,
    recovery,
    shared_watches,
    watch_batches,
)
from notifier.store.cluster_operations import ClusterOperations
from notifier.store.connection import Connection
from notifier.store.engine import Engine
from notifier.store.executor import Executor
from notifier.store.mailbox import posting
from notifier.store.store import UNKNOWN_BASE, Store
from notifier.store.watch_batches import Added, Addition

_add = posting(api_watches.add, lambda done: [done[0].row])
_add_passed = posting(api_watches.add_passed, lambda done: [done[0].row])
_add_many = posting(
    watch_batches.add_many,
    lambda done: [one.watch.row for one in done if isinstance(one, Added)],
)
_remove = posting(api_watches.remove, lambda row: [row])
_remove_many = posting(
    watch_batches.remove_many, lambda done: [row for row in done if isinstance(row, int)]
)
_record_found = posting(discovery.record, lambda opened: [watch.row for watch in opened])
_confirm_found = posting(discovery.confirm, lambda opened: [watch.row for watch in opened])


class SharedStore(ClusterOperations, Store):
    """The store of the instance `name`; raises StoreError as `Store` does."""

    def __init__(
        self,
        database: Engine,
        executor: Executor,
        now: Callable[[], float],
        metrics: Metrics | None = None,
        *,
        name: str,
        database_time: Callable[[Connection], float] | None = None,
        database_history: Callable[[Connection], str] | None = None,
    ) -> None:
        super().__init__(database, executor, now, metrics)
        self.name = name
        self.database_time = database_time
        self.database_history = database_history

    async def sync_watches(
        self, listings: Sequence[Listing], gone: Collection[str]
    ) -> list[Watch]:
        """Make the open watches what the sources list; owners read those that they own."""
        await self._transact_long(shared_watches.sync, listings, gone, self.name, self._now())
        return []

    async def change_watches(self, changes: Sequence[ListingChange]) -> WatchChanges:
        """Apply what is different in some sources; return what that did to open watches."""
        opened, updated, withdrawn = list[Watch](), list[Watch](), list[int]()
        for batch in listings.batches(changes):
            done = await self._transact_long(shared_watches.change, batch, self.name, self._now())
            opened += done.opened
            updated += done.updated
            withdrawn += done.withdrawn
        return WatchChanges(opened, updated, withdrawn)

    async def known_sources(self) -> set[str]:
        """Return the names of the sources of this instance that list something."""
        return await self._query(shared_watches.own_sources, self.name)

    async def record_ending(
        self,
        watch: int,
        event: NewEvent,
        last: Snapshot,
        *,
        sample: JobSample | None = None,
        plan: FollowUpPlan = NO_FOLLOW_UP,
        claimed: Collection[str] = (),  # noqa: ARG002 - a lane claims with a fence of its own
        fence: Fence | None = None,
    ) -> RecordedEnding | NotRecorded:
        """Commit an ending; see `Store.record_ending`. Its deliveries are due for their lanes."""
        recorded = await super().record_ending(
            watch, event, last, sample=sample, plan=plan, fence=fence
        )
        if recorded is NotRecorded.FENCED:
            self._metrics.fenced_write()
        return recorded

    async def add_watch(
        self, spec: WatchSpec, *, again: bool, callback: Callback | None = None
    ) -> tuple[Watch, bool]:
        """Take a watch for the control API, and tell its owner; see `Store.add_watch`."""
        return await self._transact(_add, spec, callback, self._now(), again=again)

    async def add_watches(self, additions: Sequence[Addition]) -> list[Added | NotifierError]:
        """Add watches for the control API, and tell their owners; see `Store.add_watches`."""
        run = self._transact if len(additions) == 1 else self._transact_long
        return await run(_add_many, additions, self._now())

    async def add_passed(
        self, spec: WatchSpec, callback: Callback | None = None
    ) -> tuple[Watch, bool]:
        """Take the watch of a job that was passed through, and tell its owner."""
        return await self._transact(_add_passed, spec, callback, self._now())

    async def remove_watch(self, key: WatchKey) -> int:
        """Withdraw a watch, and tell its owner; see `Store.remove_watch`."""
        return await self._transact(_remove, key, self._now())

    async def remove_watches(self, keys: Sequence[WatchKey]) -> list[int | NotifierError]:
        """Withdraw many watches, and tell their owners; see `Store.remove_watches`."""
        run = self._transact if len(keys) == 1 else self._transact_long
        return await run(_remove_many, keys, self._now())

    async def record_discovered(
        self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
    ) -> list[Watch]:
        """Commit what a walk found, and tell the owners of the watches that it opened."""
        now = self._now()
        return await self._transact_long(_record_found, gateway, found, walk, mark, now)

    async def confirm_discovered(
        self, gateway: str, epoch: int, key: str, *, runs: bool
    ) -> list[Watch]:
        """Commit what an answer decided about a job, and tell the owner of its watch."""
        now = self._now()
        return await self._transact(_confirm_found, gateway, epoch, key, now, runs=runs)

    async def recover(
        self,
        url_marks: Mapping[str, str],
        longest_wait: float,  # noqa: ARG002 - see `bring_forward`
        base: SteadyBase = UNKNOWN_BASE,  # noqa: ARG002 - timestamps are not by it
    ) -> recovery.Recovery:
        """Let this instance have these endpoints; what the others do is not disturbed.

        The timestamps are by the database's clock: none is moved. Attempts in flight are released
        by who takes their lanes.
        """
        now = self._now()
        found = await self._transact_long(recovery.join, self.instance, url_marks, now)
        self.url_marks = url_marks
        return found

    async def reconcile_endpoints(self, url_marks: Mapping[str, str]) -> recovery.Reconciled:
        """Let this instance have these endpoints; reset the health of those that moved.

        Nothing is cancelled: another instance may have what this one has not.
        """
        now = self._now()
        fitted = await self._transact_long(recovery.fit, self.instance, url_marks, now)
        self.url_marks = url_marks
        return fitted

    async def health(self) -> Mapping[str, Health]:
        """Return the health of the endpoints that are in trouble, or were until just now."""
        return await self._query(endpoints.health)

    async def workload(self) -> Workload:
        """Count the open work of this instance for metrics."""
        return await self._query(own_workload.count, self.instance)

    async def cancel_removed(self) -> Sequence[CancelledDeliveries]:
        """Look for endpoints that were dropped; cancel what is pending for those long gone."""
        return await self._transact_long(configured.cancel_removed, self._now())

    async def bring_forward(self, longest_wait: float) -> int:
        """Make no delivery wait longer than a retry may, in seconds; return how many did.

        They were recorded while the database's clock was ahead, or another instance's config has
        longer waits: those are shortened.
        """
        return await self._transact_long(recovery.bring_forward, self._now() + longest_wait)

    async def release_interrupted(self) -> int:
        """Make deliveries in flight due again in the lanes that this instance owns."""
        return await self._transact_long(leases.release_interrupted, self.instance)
