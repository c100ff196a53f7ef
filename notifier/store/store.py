"""The store's operations, asynchronous: when a method returns, its changes are durable."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from notifier.model.cluster_view import ClusterView
from notifier.model.delivery import RecordedEnding
from notifier.model.event import NewEvent, NotRecorded
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.job_sample import JobSample
from notifier.model.lease import Fence
from notifier.model.steady_base import SteadyBase
from notifier.model.video import Snapshot
from notifier.model.views import EndpointView, EventSummary, EventView, WatchView
from notifier.model.watch import WatchKey
from notifier.model.workload import Workload
from notifier.store import (
    clock_base,
    delivery_counts,
    draining,
    endings,
    endpoints,
    job_samples,
    outbox,
    pruning,
    queries,
    recovery,
    resending,
    watches,
)
from notifier.store.connection import Connection, set_meta
from notifier.store.delivery_operations import DeliveryOperations
from notifier.store.follow_up_operations import FollowUpOperations
from notifier.store.following import Following
from notifier.store.pruning import Position, Pruned
from notifier.store.queries import EventFilter, WatchFilter
from notifier.store.resending import Recipient, Render, Replay, Replayed
from notifier.store.watch_operations import WatchOperations

UNKNOWN_BASE = SteadyBase("", 0.0)
"""Where it is not known what `now` counts from."""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """The number of open watches, and of deliveries by state."""

    open_watches: int
    deliveries: delivery_counts.DeliveryCounts


class Store(WatchOperations, DeliveryOperations, FollowUpOperations, Following):
    """The daemon's durable state; when a method has returned, its changes are on the disk.

    Every method raises StoreError when the file or the disk fails; nothing was changed then.
    """

    @property
    def id(self) -> str:
        """The random id of this store, which event ids are derived from."""
        return self._database.store_id

    async def record_ending(
        self,
        watch: int,
        event: NewEvent,
        last: Snapshot,
        *,
        sample: JobSample | None = None,
        plan: FollowUpPlan = NO_FOLLOW_UP,
        claimed: Collection[str] = (),
        fence: Fence | None = None,
    ) -> RecordedEnding | NotRecorded:
        """Commit watch closed, event and deliveries together, if it is open and `fence` holds.

        `last` is the last thing known about the video, shown with the watch; `sample` is how the
        job went, for forecasts; `plan` is what is to be done after it. Deliveries to the endpoints
        in `claimed` are in flight from the start, unless their endpoint is disabled.

        After a StoreError the same event may be recorded again: if it was committed after all,
        its deliveries are due and the answer is the same.
        """
        ended = endings.EndedWatch(
            *(watch, event, last, self._now(), sample, plan, claimed, fence)
        )
        return await self._ending(watch).transact_bulk(endings.record_all, ended)

    async def samples(self) -> list[JobSample]:
        """Return the job samples, oldest first."""
        return await self._query(job_samples.kept)

    async def recover(
        self,
        url_marks: Mapping[str, str],
        longest_wait: float,
        base: SteadyBase = UNKNOWN_BASE,
    ) -> recovery.Recovery:
        """Repair what an earlier process left behind; called once, before the lanes start.

        `url_marks` has a mark of its URL for each configured endpoint, `longest_wait` is the
        longest wait in any retry schedule, in seconds, `base` what `now` counts from.
        """
        now = self._now()
        return await self._transact_long(recovery.recover, url_marks, longest_wait, base, now)

    async def reconcile_endpoints(self, url_marks: Mapping[str, str]) -> recovery.Reconciled:
        """Cancel deliveries to removed endpoints, and reset the health of moved ones.

        `url_marks` has a mark of its URL for each configured endpoint.
        """
        return await self._transact_long(recovery.reconcile_endpoints, url_marks, self._now())

    async def watches(self, wanted: WatchFilter) -> list[WatchView]:
        """Return the latest generation of every watch that is wanted, oldest first."""
        return await self._query(queries.watches, wanted)

    async def watch(self, key: WatchKey) -> WatchView | None:
        """Return the latest generation of one watch, None when it was never taken."""
        return await self._query(queries.watch, key)

    async def events(self, wanted: EventFilter) -> list[EventSummary]:
        """Return the events that are wanted, the latest first."""
        return await self._query(queries.events, wanted)

    async def event(self, event_id: str) -> EventView | None:
        """Return everything about one event, None when there is none."""
        return await self._query(queries.event, event_id)

    async def endpoint_views(self) -> dict[str, EndpointView]:
        """Count the deliveries of each endpoint by state; the endpoint's name is the key."""
        return await self._query(queries.endpoint_views)

    async def open_watches(self) -> dict[str, int]:
        """Return how many watches are open, by gateway."""
        return await self._query(watches.open_by_gateway)

    async def resend(
        self, event_id: str, recipients: Sequence[Recipient], render: Render
    ) -> list[str] | None:
        """Make one event due for `recipients` again; None when there is no such event."""
        return await self._transact(resending.resend, event_id, recipients, render, self._now())

    async def replay(
        self, wanted: Replay, recipients: Sequence[Recipient], render: Render
    ) -> Replayed:
        """Make one batch of what is wanted due for `recipients` once more."""
        return await self._transact_long(resending.replay, wanted, recipients, render, self._now())

    async def enable_endpoint(self, name: str) -> bool:
        """Enable a disabled endpoint and make its held deliveries due; False if it was enabled."""
        return await self._transact_long(endpoints.enable, name, self._now())

    async def touch(self) -> None:
        """Commit a write that changes nothing else, to check that commits work."""
        await self._transact(_touch)

    async def keep_drift(self, drift: float) -> None:
        """Store, for the next start, that the system clock is `drift` seconds ahead of `now`."""
        await self._transact(clock_base.keep_drift, drift)

    async def release_interrupted(self) -> int:
        """Make deliveries in flight due again, their attempts `interrupted`; return how many."""
        return await self._transact_long(outbox.release_interrupted)

    async def prune_events(self, before: float, start: Position) -> Pruned:
        """Examine one batch of events recorded before then (Unix seconds); remove what is over."""
        return await self._transact_long(pruning.prune_events, before, start)

    async def prune_watches(self, before: float, start: Position) -> Pruned:
        """Examine one batch of watches closed before then (Unix seconds); remove what is over."""
        return await self._transact_long(pruning.prune_watches, before, start)

    async def outstanding(self, since: float) -> Outstanding:
        """Count open watches, unsettled deliveries, and those settled `since` (Unix seconds)."""
        return await self._query(_outstanding, since)

    async def cluster(self) -> ClusterView:
        """Return the instances that share the store: none, since this daemon has it alone."""
        return ClusterView()

    async def drain(self, name: str) -> None:
        """Have an instance hand over what it does; raises UnknownError, since there is none."""
        raise draining.unknown(name)

    async def undrain(self, name: str) -> None:
        """Have an instance take its share again; raises UnknownError, since there is none."""
        raise draining.unknown(name)

    async def workload(self) -> Workload:
        """Count open work for metrics; the cost does not grow with what is over."""
        return await self._query(_workload)

    async def close(self) -> None:
        """Close the file and release its lock."""
        await self._executor.run(self._database.close)


def _outstanding(db: Connection, since: float) -> Outstanding:
    return Outstanding(watches.count_open(db), delivery_counts.count_deliveries(db, since))


def _touch(db: Connection) -> None:
    set_meta(db, "touched", "")


def _workload(db: Connection) -> Workload:
    off = endpoints.disabled(db)
    return Workload(watches.open_by_gateway(db), delivery_counts.backlogs(db, off), set(off))
