"""What being a member of a cluster costs: a heartbeat, and taking over many open watches."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import trio

from notifier.model.instance import Instance
from notifier.model.lease import SHARDS, Lease, LeaseKind, watch_lease
from notifier.store import ThreadExecutor
from notifier.store.codec import dump_snapshot
from notifier.store.connection import Connection
from notifier.store.postgres.clock import database_time
from notifier.store.postgres.database import PostgresDatabase
from notifier.store.shared_store import SharedStore
from tests.builders import START, snapshot

LEASE = 15.0
BEATS = 50
ME = Instance("me", "me", "host", "boot", 1, "1", 1)


@dataclass(frozen=True)
class Costs:
    """Milliseconds of a heartbeat (median), seconds to take, read and decode all watches."""

    beat: float
    takeover: float


async def measure(new_database: Callable[[], PostgresDatabase], watches: int) -> Costs:
    """Take the shards of a store with so many open watches, then beat."""
    database = new_database()
    database.transact(_fill, watches)
    store = SharedStore(
        database, ThreadExecutor(), lambda: START, name="me", database_time=database_time
    )
    assert await store.register(ME, LEASE, ["main"])
    names = [watch_lease("main", shard) for shard in range(SHARDS)]
    await store.ensure_leases([Lease(name, LeaseKind.WATCH, "main", None, 0) for name in names])
    began = time.perf_counter()
    found = await store.watches_of(await store.take(names))
    takeover = time.perf_counter() - began
    assert len(found) == watches
    beats = [await _beat(store) for _ in range(BEATS)]
    await store.close()
    return Costs(1000 * statistics.median(beats), takeover)


async def _beat(store: SharedStore) -> float:
    await trio.lowlevel.checkpoint()
    began = time.perf_counter()
    assert await store.beat(LEASE)
    return time.perf_counter() - began


def _fill(db: Connection, watches: int) -> None:
    db.execute(
        "INSERT INTO watches (gateway, video_id, generation, first_taken_ms, state, metadata, "
        "taken_at, snapshot) SELECT 'main', 'video_' || n, 1, 0, 'open', '{}', 0, CAST(? AS text) "
        "FROM generate_series(1, CAST(? AS bigint)) n",
        (cast("str", dump_snapshot(snapshot())), watches),
    )
