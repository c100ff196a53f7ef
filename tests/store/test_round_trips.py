"""What a batch costs in PostgreSQL does not grow with its rows: round trips and plans.

A millisecond to the server is the normal case: a statement for each row would be the whole cost.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from notifier.model.delivery import AttemptRecord
from notifier.model.job_sample import JobClass, JobSample
from notifier.model.lease import Fence
from notifier.store import attempts, claims, endings
from notifier.store.attempts import Received
from notifier.store.claims import Wanted
from notifier.store.connection import Connection
from notifier.store.endings import EndedWatch
from notifier.store.engine import TransactAll
from notifier.store.operation import Bulk, BulkOperation
from notifier.store.postgres.database import PostgresDatabase
from notifier.store.watches import sync
from tests.builders import START, listing, new_event, snapshot, spec
from tests.postgres import Server
from tests.tcp_proxy import Proxy

BATCH = 64
LANES = 4
A_MOMENT = 0.25
"""How long each direction takes, in seconds: far longer than a client takes that does not wait."""
LEASE = Fence("lane:all", "me", 1)
SAMPLE = JobSample(JobClass("main", "sora-2", "8", "1280x720"), 123.5, 2.5, 7, ((0.0, 0),))
RECEIVED = AttemptRecord(START, 12, "delivered", 204)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with closing(Proxy(server.port)) as proxy:
        yield proxy


@pytest.fixture
def database(server: Server, proxy: Proxy) -> Iterator[PostgresDatabase]:
    url = server.url(server.new_schema(), proxy.port)
    with closing(PostgresDatabase(lambda: url)) as database:
        database.transact(_own_all)
        yield database


def _own_all(db: Connection) -> None:
    db.execute(
        "INSERT INTO instances VALUES ('me', 'me', '', '', 1, '', 1, 0, 0)",
    )
    db.execute("INSERT INTO leases VALUES (?, 'lane', 'all', ?, ?)", LEASE)


def _run(run: TransactAll, bulk: Bulk, arguments: Sequence[object]) -> list[object]:
    operations = [BulkOperation(bulk, argument) for argument in arguments]
    run(operations)
    return [operation.result() for operation in operations]


def _ended(database: PostgresDatabase, number: int) -> list[EndedWatch]:
    """Open watches, and return their endings, each with an event for one of the lanes."""
    specs = [spec(f"video_{each}") for each in range(number)]
    watches = database.transact(sync, [listing(*specs)], [], START)
    return [
        EndedWatch(
            watch.row,
            new_event(f"evt_{watch.row}", (f"lane-{watch.row % LANES}",)),
            snapshot(),
            START,
            SAMPLE,
            fence=LEASE,
        )
        for watch in watches
    ]


def _wanted(limit: int) -> list[Wanted]:
    return [Wanted(f"lane-{lane}", limit, START, LEASE) for lane in range(LANES)]


def test_a_batch_of_endings_takes_two_round_trips_and_one_of_claims_or_successes_one(
    database: PostgresDatabase, proxy: Proxy
) -> None:
    ended, writers = _ended(database, BATCH + 2), database.writers
    _run(writers.endings[0], endings.record_all, ended[:1])
    _run(writers.deliveries[0], claims.claim_all, [Wanted("no-lane", 1, START)])

    proxy.delay = A_MOMENT
    before = proxy.round_trips
    recorded = _run(writers.endings[0], endings.record_all, ended[1:])
    after_endings = proxy.round_trips
    taken = _run(writers.deliveries[0], claims.claim_all, _wanted(BATCH))
    after_claims = proxy.round_trips
    received = [
        Received([(claim, RECEIVED) for claim in lane], START)
        for lane in taken
        if isinstance(lane, list)
    ]
    _run(writers.deliveries[0], attempts.record_delivered, received)

    assert all(recorded)
    assert sum(len(each.made) for each in received) == BATCH + 2
    assert after_endings - before == 2
    assert after_claims - after_endings == 1
    assert proxy.round_trips - after_claims == 1
    done = "SELECT count(*) FROM deliveries WHERE state = 'delivered' AND in_flight IS NULL"
    assert database.query(lambda db: db.execute(done).fetchone()) == (BATCH + 2,)
