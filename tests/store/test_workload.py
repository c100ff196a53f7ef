"""Counts of open work: they are made for every scrape, so they have to be cheap."""

import sqlite3

from notifier.metrics import Metrics
from notifier.model.delivery import AttemptRecord, Delivered, Hold
from notifier.model.workload import Backlog, Workload
from notifier.store import InlineExecutor, Store
from tests.builders import START, listing, memory_database, spec
from tests.delivery.lanes import HEALTHY, put, steady_clock
from tests.metrics.samples import values


def explain(db: sqlite3.Connection, query: str) -> str:
    return str(db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall())


async def test_pending_held_and_dead_deliveries_are_counted() -> None:
    clock = steady_clock()
    metrics, database = Metrics(), memory_database()
    store = Store(database, InlineExecutor(), clock.now, metrics)
    await put(store, "app", "off", count=3)
    await store.sync_watches([listing(spec("a"), spec("b"), spec("c", "other"))], [])
    (claim,) = await store.claim_due("off", 1)
    await store.record_attempt(claim, AttemptRecord(0, 0, "http_410"), Hold("410"), HEALTHY)
    (claim,) = await store.claim_due("app", 1)
    await store.record_attempt(claim, AttemptRecord(0, 0, "delivered"), Delivered(), HEALTHY)

    workload = await store.workload()
    assert workload == Workload(
        {"main": 2, "other": 1}, {"app": Backlog(pending=2), "off": Backlog(held=3)}, {"off"}
    )
    metrics.configured(["main", "new"], ["app", "off", "idle"])
    await metrics.refresh(store)
    seen = values(metrics)
    assert seen["notifier_open_watches", "new"] == 0
    assert seen["notifier_open_watches", "other"] == 1
    assert seen["notifier_deliveries", "off", "held"] == 3
    assert seen["notifier_deliveries", "idle", "pending"] == 0
    # looking is no commit
    commits = seen[("notifier_store_commit_duration_seconds_count",)]
    await metrics.refresh(store)
    assert values(metrics)[("notifier_store_commit_duration_seconds_count",)] == commits > 0


async def test_counting_dead_deliveries_does_not_scan_delivered_ones() -> None:
    database = memory_database()

    asked: list[str] = []
    database.transact(sqlite3.Connection.set_trace_callback, asked.append)
    await Store(database, InlineExecutor(), lambda: START).workload()

    counting = [query for query in asked if "FROM deliveries" in query]
    plans = [database.transact(explain, query) for query in counting]
    assert len(plans) == 2
    assert "INDEX due_deliveries" in plans[0]
    assert "INDEX dead_deliveries" in plans[1]
