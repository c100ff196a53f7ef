"""The store's operations, asynchronous: when a method returns, its changes are durable."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from notifier.errors import NotifierError
from notifier.metrics import Metrics
from notifier.model.cluster_view import ClusterView
from notifier.model.delivery import (
    AttemptRecord,
    CallbackDemand,
    Claim,
    RecordedEnding,
    Settlement,
)
from notifier.model.discovery import DiscoveryRecord, FoundJob, Mark
from notifier.model.event import NewEvent, NotRecorded
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.health import Health
from notifier.model.job_sample import JobSample
from notifier.model.lease import Fence
from notifier.model.steady_base import SteadyBase
from notifier.model.video import Snapshot
from notifier.model.views import EndpointView, EventSummary, EventView, WatchView
from notifier.model.watch import (
    Callback,
    Listing,
    ListingChange,
    Observation,
    Watch,
    WatchChanges,
    WatchKey,
    WatchSpec,
)
from notifier.model.workload import Workload
from notifier.store import (
    api_watches,
    attempts,
    callback_hosts,
    claims,
    clock_base,
    delivery_counts,
    discovery,
    draining,
    endings,
    endpoints,
    job_samples,
    listings,
    outbox,
    pruning,
    queries,
    recovery,
    resending,
    watch_batches,
    watches,
)
from notifier.store.claim_doubts import ClaimDoubts
from notifier.store.connection import Connection, set_meta
from notifier.store.engine import Engine
from notifier.store.executor import Executor
from notifier.store.follow_up_operations import FollowUpOperations
from notifier.store.following import Following
from notifier.store.pruning import Position, Pruned
from notifier.store.queries import EventFilter, WatchFilter
from notifier.store.resending import Recipient, Render, Replay, Replayed
from notifier.store.watch_batches import Added, Addition

UNKNOWN_BASE = SteadyBase("", 0.0)
"""Where it is not known what `now` counts from."""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """The number of open watches, and of deliveries by state."""

    open_watches: int
    deliveries: delivery_counts.DeliveryCounts


class Store(FollowUpOperations, Following):
    """The daemon's durable state; when a method has returned, its changes are on the disk.

    Every method raises StoreError when the file or the disk fails; nothing was changed then.
    """

    def __init__(
        self,
        database: Engine,
        executor: Executor,
        now: Callable[[], float],
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(database, executor, now, metrics)
        self._doubts = ClaimDoubts()

    @property
    def id(self) -> str:
        """The random id of this store, which event ids are derived from."""
        return self._database.store_id

    async def sync_watches(
        self, listings: Sequence[Listing], gone: Collection[str]
    ) -> list[Watch]:
        """Make the open watches what the sources list, and return all of them."""
        return await self._transact_long(watches.sync, listings, gone, self._now())

    async def change_watches(self, changes: Sequence[ListingChange]) -> WatchChanges:
        """Apply what is different in some sources; return what that did to open watches.

        Many changes are many transactions, so that other operations go between them. When one
        fails, those before it stay: the same changes can be applied again.
        """
        opened, updated, withdrawn = list[Watch](), list[Watch](), list[int]()
        for batch in listings.batches(changes):
            done = await self._transact_long(watches.change, batch, self._now())
            opened += done.opened
            updated += done.updated
            withdrawn += done.withdrawn
        return WatchChanges(opened, updated, withdrawn)

    async def known_sources(self) -> set[str]:
        """Return the names of the sources that list something."""
        return await self._query(listings.known_sources)

    async def discovery(self, gateway: str, base_url: str) -> DiscoveryRecord:
        """Return what discovery remembers of a gateway; `base_url` is a digest of its URL."""
        return await self._query(discovery.load, gateway, base_url)

    async def record_discovered(
        self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
    ) -> list[Watch]:
        """Commit jobs that a walk found, their watches and the mark; return the watches opened."""
        now = self._now()
        return await self._transact_long(discovery.record, gateway, found, walk, mark, now)

    async def confirm_discovered(
        self, gateway: str, epoch: int, key: str, *, runs: bool
    ) -> list[Watch]:
        """Commit what a single answer decided about a job; return the watch if that opened it."""
        now = self._now()
        return await self._transact(discovery.confirm, gateway, epoch, key, now, runs=runs)

    async def forget_discovered(
        self, gateway: str, mark: Mark, kept: int
    ) -> tuple[list[str], int | None]:
        """Remove a batch of old jobs; return their keys, and the floor that they are behind."""
        return await self._transact_long(discovery.forget, gateway, mark, kept)

    async def forget_earlier_discovered(self, gateway: str, epoch: int) -> int:
        """Remove a batch of the jobs of an earlier base_url; return how many."""
        return await self._transact_long(discovery.forget_earlier, gateway, epoch)

    async def save_observations(self, observations: Sequence[Observation]) -> None:
        """Store the last observation of open watches."""
        await self._transact(watches.save_observations, observations)

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

    async def claim_due(
        self, endpoint: str, limit: int, fence: Fence | None = None
    ) -> list[Claim]:
        """Take up to `limit` due deliveries of `endpoint` into flight.

        None when the ownership of `fence` is over. After a StoreError they may be in flight all
        the same: the next call takes them back first.
        """
        with self._doubts.claiming(endpoint, self._now()) as (now, in_doubt):
            wanted = claims.Wanted(endpoint, limit, now, fence, in_doubt)
            return await self._lane(endpoint).transact_bulk(claims.claim_all, wanted)

    async def next_due(self, endpoint: str) -> float | None:
        """Return when the next delivery of `endpoint` that is not in flight is due."""
        return await self._lane(endpoint).read(claims.next_due, endpoint)

    async def claim_callbacks(
        self, endpoint: str, demand: CallbackDemand, fence: Fence | None = None
    ) -> list[Claim]:
        """Take due callbacks into flight, as `demand` says; none when `fence` is over.

        After a StoreError the next call takes back what may be in flight, as `claim_due` does.
        """
        with self._doubts.claiming(endpoint, self._now()) as (now, in_doubt):
            return await self._lane(endpoint).transact_in_order(
                callback_hosts.AFTER_ALL,
                callback_hosts.claim,
                endpoint,
                demand,
                now,
                fence,
                in_doubt,
            )

    async def next_callback(self, endpoint: str) -> float | None:
        """Return when callbacks are to be claimed next, None when none waits."""
        return await self._lane(endpoint).read(callback_hosts.next_look, endpoint)

    async def release(self, claims: Sequence[Claim]) -> None:
        """Take claims of one lane back whose attempts were not begun."""
        for claim in claims[:1]:
            lane = self._lane(claim.endpoint)
            # the host names of several callbacks have no place among those of others
            transact = lane.transact if claim.host is None else lane.transact_long
            await transact(outbox.release, claims)

    async def defer(self, claim: Claim, until: float) -> None:
        """Take a callback's claim back; its host name waits until then (Unix seconds)."""
        order = callback_hosts.order_of(claim)
        await self._lane(claim.endpoint).transact_in_order(order, outbox.defer, claim, until)

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None = None,
    ) -> bool:
        """Commit an attempt and what follows from it; a Hold also disables the endpoint.

        `health` is the endpoint's after the attempt, None for a callback, which has none.
        `notice` is the event to be recorded if this disables the endpoint, or is its first
        success after that; tells whether it was.
        """
        now, order = self._now(), callback_hosts.order_of(claim)
        return await self._lane(claim.endpoint).transact_in_order(
            order, attempts.record, claim, attempt, settlement, health, notice, now
        )

    async def keep_rendering(self, claim: Claim, body: bytes) -> None:
        """Store what the endpoint's template made, as the body of this delivery from now on."""
        await self._lane(claim.endpoint).transact(claims.keep_rendering, claim, body)

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        """Commit attempts of one lane that were received."""
        received = attempts.Received(made, self._now())
        for claim, _ in made[:1]:
            await self._lane(claim.endpoint).transact_bulk(attempts.record_delivered, received)

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

    async def add_watch(
        self, spec: WatchSpec, *, again: bool, callback: Callback | None = None
    ) -> tuple[Watch, bool]:
        """Take a watch for the control API; tell whether that made it open.

        Raises ConflictError when it is open with other settings.
        """
        return await self._transact(api_watches.add, spec, callback, self._now(), again=again)

    async def add_watches(self, additions: Sequence[Addition]) -> list[Added | NotifierError]:
        """Add watches for the control API in one transaction; return each outcome.

        A single one may share its commit with other operations.
        """
        run = self._transact if len(additions) == 1 else self._transact_long
        return await run(watch_batches.add_many, additions, self._now())

    async def add_passed(
        self, spec: WatchSpec, callback: Callback | None = None
    ) -> tuple[Watch, bool]:
        """Take the watch of a job whose creation was passed through; tell whether it is new."""
        return await self._transact(api_watches.add_passed, spec, callback, self._now())

    async def remove_watch(self, key: WatchKey) -> int:
        """Withdraw a watch that only the control API lists; return its row.

        Raises UnknownError when it is not open, ConflictError when a file lists it.
        """
        return await self._transact(api_watches.remove, key, self._now())

    async def remove_watches(self, keys: Sequence[WatchKey]) -> list[int | NotifierError]:
        """Withdraw many watches in one transaction; return the row of each, or its error."""
        run = self._transact if len(keys) == 1 else self._transact_long
        return await run(watch_batches.remove_many, keys, self._now())

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
