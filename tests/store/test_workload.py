"""Counts of open work: they are made for every scrape, so they have to be cheap."""

import pytest

from notifier.metrics import Metrics
from notifier.model.delivery import AttemptRecord, DeadLetter, Delivered, Format, Hold
from notifier.model.workload import Backlog, Workload
from notifier.store import InlineExecutor, Store
from notifier.store.connection import Connection
from notifier.store.delivery_counts import counts_by_endpoint
from notifier.store.pruning import Position
from notifier.store.resending import Recipient
from tests.builders import START, Time, listing, memory_database, new_event, snapshot, spec
from tests.delivery.lanes import HEALTHY, put, steady_clock
from tests.metrics.samples import values

pytestmark = pytest.mark.usefixtures("each_engine")


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


async def test_the_counts_are_those_of_the_rows_whatever_happened_to_them() -> None:
    database, time = memory_database(), Time()
    store = Store(database, InlineExecutor(), time)
    specs = [spec(f"video_{number}") for number in range(12)]
    endpoints = ("app", "off", "gone")
    for number, watch in enumerate(await store.sync_watches([listing(*specs)], [])):
        await store.record_ending(watch.row, new_event(f"evt_{number}", endpoints), snapshot())
    for endpoint, settlement in (
        ("app", Delivered()),
        ("app", DeadLetter("x")),
        ("off", Hold("410")),
    ):
        for claim in await store.claim_due(endpoint, 3):
            await store.record_attempt(claim, AttemptRecord(START, 1, "any"), settlement, HEALTHY)
    await store.reconcile_endpoints({"app": "mark", "off": "mark"})
    await store.resend("evt_1", [Recipient("app", Format.STANDARD, ("*",))], lambda body, _: body)
    await store.prune_events(START + 1, Position())

    counted = database.transact(counts_by_endpoint)
    rows = database.transact(actual_counts)
    assert counted == rows
    assert {"pending", "dead", "cancelled"} <= {state for each in rows.values() for state in each}


async def test_open_watches_are_counted_whatever_happened_to_them() -> None:
    database = memory_database()
    store = Store(database, InlineExecutor(), Time())
    specs = [spec(f"video_{number}", gateway) for number in range(4) for gateway in ("a", "b")]
    watches = await store.sync_watches([listing(*specs)], [])
    await store.record_ending(watches[0].row, new_event(), snapshot())
    await store.sync_watches([listing(*specs[2:])], [])
    await store.sync_watches([listing(*specs)], [])
    await store.sync_watches([listing(*specs[4:])], [])
    assert await store.open_watches() == {"a": 2, "b": 2}


def actual_counts(db: Connection) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for endpoint, state, count in db.execute(
        "SELECT endpoint, state, count(*) FROM deliveries GROUP BY endpoint, state"
    ):
        found.setdefault(endpoint, {})[state] = count
    return found
