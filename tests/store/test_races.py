"""Two transactions on PostgreSQL at the same moment.

A fence lasts until the end of the first, and neither waits for what waits for it.
"""

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import pytest

from notifier.errors import ConflictError
from notifier.model.delivery import (
    AttemptRecord,
    CallbackDemand,
    Claim,
    RecordedEnding,
    RetryAt,
)
from notifier.model.event import NotRecorded
from notifier.model.instance import Instance
from notifier.model.lease import Fence, Lease, LeaseKind, lane_lease
from notifier.model.watch import Callback, callback_lane
from notifier.store import (
    InlineExecutor,
    Store,
    callback_hosts,
    draining,
    fences,
    instances,
    leases,
    outbox,
)
from notifier.store.callback_hosts import enter
from notifier.store.claims import claim_due
from notifier.store.connection import Cursor
from notifier.store.endings import EndedWatch, record_all
from notifier.store.operation import Operation
from notifier.store.postgres.connection import PostgresConnection
from notifier.store.postgres.database import PostgresDatabase
from notifier.store.postgres.session import Session
from notifier.store.postgres.writer import Writer
from notifier.store.schema import VERSION
from tests.builders import START, Time, new_event, snapshot, spec
from tests.postgres import Server

LANE = lane_lease("app")


class Interrupted(PostgresConnection):
    """A connection on which `meanwhile` happens once the fence has been looked at."""

    meanwhile: Callable[[], None] | None = None
    has_looked = False

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """Run a statement; before the one after the fence, `meanwhile`."""
        if self.has_looked and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        self.has_looked |= "FROM leases" in sql
        return super().execute(sql, parameters)


def start_until_it_waits(thread: threading.Thread, works_on: PostgresConnection, url: str) -> None:
    """Start a thread; return when it is over or its connection waits for another one."""
    pid = works_on.raw.info.backend_pid
    thread.start()
    with psycopg.connect(url, autocommit=True) as db:
        waits = 0
        while thread.is_alive() and not waits:
            row = db.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid]).fetchone()
            waits = 0 if row is None else row[0]


@dataclass
class Race:
    """A delivery of a lane that alpha owns, and two connections to its database."""

    url: str
    claiming: Interrupted
    taking: PostgresConnection
    fence: Fence
    taker: threading.Thread = field(init=False)

    def take_over(self) -> None:
        """Bury alpha, and give the lane to beta."""
        with self.taking.transaction("BEGIN"):
            instances.remove(self.taking, "alpha", START)
            assert leases.take(self.taking, "beta", [LANE], START)

    def begin_takeover(self) -> None:
        """Begin the takeover; return when it is over or waits for the claim."""
        self.taker = threading.Thread(target=self.take_over)
        start_until_it_waits(self.taker, self.taking, self.url)

    def claim_during_a_takeover(self) -> list[Claim]:
        """Claim as alpha; beta takes the lane over as soon as the fence was found to hold."""
        self.claiming.meanwhile = self.begin_takeover
        with self.claiming.transaction("BEGIN"):
            claims = claim_due(self.claiming, "app", 1, START, self.fence)
        self.taker.join()
        return claims

    def claim_as_beta(self) -> list[Claim]:
        return claim_due(self.taking, "app", 1, START, Fence(LANE, "beta", self.fence.epoch + 1))


@pytest.fixture
async def race(server: Server) -> AsyncIterator[Race]:
    url = server.new_url()
    with (
        closing(PostgresDatabase(lambda: url)) as database,
        closing(Interrupted(url)) as claiming,
        closing(PostgresConnection(url)) as taking,
    ):
        yield Race(url, claiming, taking, await alpha_owns_the_lane(database))


async def alpha_owns_the_lane(database: PostgresDatabase) -> Fence:
    """Have alpha own a lane with a delivery that is due; return its fence."""
    for name in ("alpha", "beta"):
        instance = Instance(name, name, "host", "boot", 1, "1", VERSION)
        assert database.transact(instances.register, instance, 15.0, START)
    store = Store(database, InlineExecutor(), Time())
    await store.reconcile_endpoints({"app": "mark"})
    watch, _ = await store.add_watch(spec(), again=False)
    await store.record_ending(watch.row, new_event(), snapshot())
    database.transact(leases.ensure, [Lease(LANE, LeaseKind.LANE, "app", None, 0)])
    (lease,) = database.transact(leases.take, "alpha", [LANE], START)
    assert lease.fence is not None
    return lease.fence


async def test_a_claim_that_races_a_takeover_is_interrupted_by_it(race: Race) -> None:
    (stale,) = race.claim_during_a_takeover()
    (claim,) = race.claim_as_beta()
    assert (claim.delivery, claim.attempt) == (stale.delivery, stale.attempt + 1)


async def test_without_the_lock_of_the_fence_such_a_claim_would_be_in_flight_for_ever(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fences, "SHARED_LOCK", "")
    assert race.claim_during_a_takeover()
    assert race.claim_as_beta() == []


async def test_of_two_instances_that_are_drained_at_once_the_second_is_refused(
    race: Race,
) -> None:
    refused = []

    def drain_beta() -> None:
        with race.claiming.transaction("BEGIN"):
            try:
                draining.drain(race.claiming, "beta", START)
            except ConflictError as error:
                refused.append(str(error))

    second = threading.Thread(target=drain_beta)
    with race.taking.transaction("BEGIN"):
        draining.drain(race.taking, "alpha", START)
        start_until_it_waits(second, race.claiming, race.url)
    second.join()
    assert refused == ["no other instance could take over what beta does"]


async def test_instances_whose_configs_have_another_order_make_leases_without_a_deadlock(
    race: Race,
) -> None:
    first, last = [Lease(f"lane:{name}", LeaseKind.LANE, name, None, 0) for name in "az"]

    def make_both() -> None:
        with race.claiming.transaction("BEGIN"):
            leases.ensure(race.claiming, [last, first])

    second = threading.Thread(target=make_both)
    with race.taking.transaction("BEGIN"):
        leases.ensure(race.taking, [first])
        start_until_it_waits(second, race.claiming, race.url)
        leases.ensure(race.taking, [last])
    second.join()
    assert {first.name, last.name} <= {lease.name for lease in leases.all_leases(race.taking)}


CALLBACKS = callback_lane("app")


async def ending_with_callback(store: Store, video_id: str, host: str) -> EndedWatch:
    """Return the ending of a new watch whose callback goes to `host`."""
    callback = Callback(f"https://{host}/", "app")
    watch, _ = await store.add_watch(spec(video_id), again=False, callback=callback)
    return EndedWatch(watch.row, new_event(f"evt_{video_id}"), snapshot(), START)


async def test_endings_that_have_callbacks_to_the_same_hosts_are_no_deadlock(
    server: Server,
) -> None:
    url = server.new_url()
    done: list[RecordedEnding | NotRecorded] = []

    def record(db: PostgresConnection, batch: Sequence[EndedWatch]) -> None:
        with db.transaction("BEGIN"):
            done.extend(record_all(db, batch))

    with (
        closing(PostgresDatabase(lambda: url)) as database,
        closing(PostgresConnection(url)) as one,
        closing(PostgresConnection(url)) as other,
        closing(PostgresConnection(url)) as third,
    ):
        store = Store(database, InlineExecutor(), Time())
        await store.reconcile_endpoints({CALLBACKS: "mark"})
        first = [await ending_with_callback(store, f"1{host}", host) for host in "amb"]
        second = [await ending_with_callback(store, f"2{host}", host) for host in "ba"]
        threads = [
            threading.Thread(target=record, args=arguments)
            for arguments in ((one, first), (other, second))
        ]
        with third.transaction("BEGIN"):
            enter(third, CALLBACKS, "m", START)
            for thread, db in zip(threads, (one, other), strict=True):
                start_until_it_waits(thread, db, url)
        for thread in threads:
            thread.join()

    assert len(done) == 5


class CountingWriter(Writer):
    """A writer that counts its transactions, also those that the server has ended."""

    runs = 0

    def _run(self, operations: Sequence[Operation]) -> None:
        self.runs += 1
        super()._run(operations)


def recording(claim: Claim) -> Operation:
    """Return what records that a callback has failed and is tried again at once."""
    failed = AttemptRecord(START, 1, "http_500", 500)
    work = partial(outbox.record_attempt, claim=claim, attempt=failed, settlement=RetryAt(START))
    order = callback_hosts.order_of(claim)
    return Operation(lambda db: work(db, now=START), writes=True, is_long=False, order=order)


async def test_attempts_and_endings_of_callbacks_to_the_same_hosts_are_no_deadlock(
    server: Server,
) -> None:
    url = server.new_url()
    session = Session(lambda: url, "attempts")
    with (
        closing(PostgresDatabase(lambda: url)) as database,
        closing(PostgresConnection(url)) as ending,
        closing(PostgresConnection(url)) as third,
        closing(session),
    ):
        store = Store(database, InlineExecutor(), Time())
        await store.reconcile_endpoints({CALLBACKS: "mark"})
        for host in "za":
            first = await ending_with_callback(store, f"1{host}", host)
            database.transact(record_all, [first])
        claims = await store.claim_callbacks(CALLBACKS, CallbackDemand(2, {}))
        batch = [
            recording(claim)
            for claim in sorted(claims, key=lambda one: one.host or "", reverse=True)
        ]
        second = [await ending_with_callback(store, f"2{host}", host) for host in "amz"]

        def record_endings() -> None:
            with ending.transaction("BEGIN"):
                record_all(ending, second)

        ends = threading.Thread(target=record_endings)
        writer = CountingWriter(session)
        records = threading.Thread(target=writer.transact_all, args=(batch,))
        with third.transaction("BEGIN"):
            enter(third, CALLBACKS, "m", START)
            start_until_it_waits(ends, ending, url)
            start_until_it_waits(records, session.connected(), url)
        ends.join()
        records.join()
        assert [operation.failed for operation in batch] == [False, False]
        assert writer.runs == 1
