"""The hot statements read as much of a backlog as they need, by PostgreSQL's own account.

Also where its statistics are missing, as in a new database: it then plans for a few rows. A plan
that sorts or reads all of a table costs more the longer an endpoint has been down.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest

from notifier.errors import NotifierError
from notifier.model.delivery import AttemptRecord, CallbackDemand, Claim
from notifier.model.lease import Fence
from notifier.model.watch import Observation
from notifier.store import callback_hosts, claims, endings, watches
from notifier.store.attempts import Received
from notifier.store.claims import Wanted
from notifier.store.connection import Connection, Cursor
from notifier.store.endings import EndedWatch
from notifier.store.fences import those_over
from notifier.store.postgres import hot
from notifier.store.postgres.database import PostgresDatabase
from tests.builders import START, new_event, snapshot
from tests.postgres import Server

BACKLOG = 20_000
MOST_READ = 400
"""Rows that one step of a plan may read: some batches, and far from the backlog."""

LEASE = Fence("watch:main:0", "me", 1)


FULL = (
    """
    INSERT INTO watches (gateway, video_id, generation, first_taken_ms, state, metadata,
        taken_at, closed_at)
    SELECT 'main', 'video_' || n, 1, 0, CASE WHEN n > BACKLOG THEN 'open' ELSE 'ended' END,
        '{}', 0, CASE WHEN n <= BACKLOG THEN 0 END
    FROM generate_series(1, 2 * BACKLOG) n
    """,
    """
    INSERT INTO events (id, watch, kind, type, created_at, recorded_at)
    SELECT 'evt_' || n, n, 'ending', 'video.completed', 0, 0 FROM generate_series(1, BACKLOG) n
    """,
    "INSERT INTO bodies (event, format, body) SELECT id, 'standard', '' FROM events",
    """
    INSERT INTO deliveries (event, endpoint, format, due_at)
    SELECT id, 'app', 'standard', 0 FROM events ORDER BY watch
    """,
    "UPDATE deliveries SET in_flight = 0, attempts = 1 WHERE id <= 64",
    "INSERT INTO mailbox (lease, watch) SELECT 'watch:main:0', id FROM watches",
    "INSERT INTO instances VALUES ('me', 'me', '', '', 1, '', 1, 0, 0)",
    "INSERT INTO leases VALUES ('watch:main:0', 'watch', 'main', 'me', 1)",
)

# not of all tables in the database: a transaction has room for so many locks only
ANALYZE = ("ANALYZE watches, events, bodies, deliveries, attempts, endpoints, mailbox, leases",)


@pytest.fixture(scope="module", params=["with statistics", "without statistics"])
def backlog(request: pytest.FixtureRequest, server: Server) -> Iterator[PostgresDatabase]:
    """Make a store with many due deliveries, mail, and open watches; nothing in it changes."""
    url = server.new_url()
    with closing(PostgresDatabase(lambda: url)) as database:
        for statement in (*FULL, *(ANALYZE * (request.param == "with statistics"))):
            sql = statement.replace("BACKLOG", str(BACKLOG))
            database.transact(lambda db, sql: db.execute(sql), sql)
        yield database


class LookedAtError(NotifierError):
    """Ends a transaction without its changes."""


class Explaining:
    """Runs statements on a connection after it has noted how many rows each step reads."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.read: list[tuple[int, str]] = []

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Cursor:
        self._db.execute("SAVEPOINT explained")
        (found,) = self._db.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters).fetchone()
        plans = json.loads(found) if isinstance(found, str) else found
        self.read += _steps(plans[0]["Plan"])
        self._db.execute("ROLLBACK TO explained")
        return self._db.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> Cursor:
        return self._db.executemany(sql, rows)


def _steps(plan: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    loops = plan["Actual Loops"]
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    yield loops * (plan["Actual Rows"] + removed), f"{plan['Node Type']} {plan.get('Alias', '')}"
    for each in plan.get("Plans", ()):
        yield from _steps(each)


def _claim(number: int) -> Claim:
    return Claim(number, "app", f"evt_{number}", "video.completed", {}, b"", START, 1, 0)


RECEIVED = [(_claim(number), AttemptRecord(START, 12, "delivered", 204)) for number in range(64)]
HOT: dict[str, Callable[[Any], object]] = {
    "a claim": lambda db: hot.claim(db, [Wanted("app", 16, START)]),
    "a claim with a fence": lambda db: hot.claim(db, [Wanted("app", 16, START, LEASE)]),
    "claims of many lanes": lambda db: hot.claim(
        db, [Wanted(name, 16, START, LEASE) for name in ("app", "app", "b", "c")]
    ),
    "a claim of one lane": lambda db: claims.claim_due(db, "app", 16, START, LEASE),
    "successes": lambda db: hot.record_delivered(db, [Received(RECEIVED, START)]),
    "a claim of callbacks": lambda db: callback_hosts.claim(
        db, "app@callback", CallbackDemand(4, {"a.example": 1.0}), START, LEASE
    ),
    "when callbacks are due": lambda db: callback_hosts.next_look(db, "app@callback"),
    "fences": lambda db: those_over(db, [LEASE]),
    "endings": lambda db: endings.record_all(
        db,
        [
            EndedWatch(BACKLOG + n, new_event(f"new_{n}"), snapshot(), START, fence=LEASE)
            for n in range(1, 64)
        ],
    ),
    "observations": lambda db: watches.save_observations(
        db, [Observation(BACKLOG + n, snapshot(), None, 0, LEASE) for n in range(1, 64)]
    ),
}


@pytest.mark.parametrize("work", HOT.values(), ids=HOT)
def test_a_hot_statement_reads_a_few_rows_of_a_long_backlog(
    backlog: PostgresDatabase, work: Callable[[Any], object]
) -> None:
    steps = explained(backlog, work)
    assert steps
    assert [step for step in steps if step[0] > MOST_READ] == []


def explained(
    database: PostgresDatabase, work: Callable[[Any], object]
) -> Sequence[tuple[int, str]]:
    """Return how many rows each step of the plans reads; nothing is changed."""
    seen = list[tuple[int, str]]()

    def explain(db: Connection) -> None:
        explaining = Explaining(db)
        work(explaining)
        seen.extend(explaining.read)
        raise LookedAtError

    with pytest.raises(LookedAtError):
        database.transact(explain)
    return seen


def test_a_plan_that_reads_all_is_noticed(backlog: PostgresDatabase) -> None:
    steps = explained(
        backlog, lambda db: db.execute("SELECT id FROM deliveries ORDER BY reason, id LIMIT 1")
    )
    assert max(rows for rows, _ in steps) == BACKLOG
