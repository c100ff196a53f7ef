"""Identity: no row is ever taken for another, and event ids repeat after a restored backup."""

import hashlib
import hmac

import pytest

from notifier.errors import StoreError
from notifier.model.delivery import AttemptRecord, Delivered
from notifier.model.event import EventKind
from notifier.model.event_id import random_event_id, watch_event_id
from notifier.model.health import Health
from notifier.model.watch import Watch
from notifier.store import InlineExecutor, Store
from notifier.store.connection import Connection
from notifier.store.queries import ALL_WATCHES
from tests.builders import (
    START,
    Time,
    listing,
    memory_database,
    memory_store,
    new_event,
    snapshot,
    spec,
)
from tests.store.pruned import pruned

pytestmark = pytest.mark.usefixtures("each_engine")

DONE = AttemptRecord(START, 12, "delivered", 204)
HEALTH = Health("mark", START, START)
STORE_ID = "0123456789abcdef" * 2


async def test_an_answer_that_comes_after_its_endpoint_was_removed_delivers_nothing_else() -> None:
    """FIELD S1: b's row was pruned in flight, and a's next event got the same row id."""
    time = Time()
    store = memory_store(time)
    first, second = await store.sync_watches([listing(spec(), spec("video_2"))], [])
    await store.record_ending(first.row, new_event("evt_1", ("b",)), snapshot())
    (held,) = await store.claim_due("b", 1)
    await store.reconcile_endpoints({"a": "mark"})
    time.at += 1e6
    await pruned(store, time.at)
    await store.record_ending(second.row, new_event("evt_2", ("a",)), snapshot())

    await store.record_attempt(held, DONE, Delivered(), HEALTH)

    (claim,) = await store.claim_due("a", 1)
    assert claim.event_id == "evt_2"


async def test_what_is_in_flight_is_not_pruned_until_its_attempt_is_recorded() -> None:
    time = Time()
    store = memory_store(time)
    (watch,) = await store.sync_watches([listing(spec())], [])
    await store.record_ending(watch.row, new_event("evt_1", ("b",)), snapshot())
    (held,) = await store.claim_due("b", 1)
    await store.reconcile_endpoints({"a": "mark"})
    await store.sync_watches([listing()], [])
    time.at += 1e6

    assert await pruned(store, time.at) == (0, 0)
    await store.record_attempt(held, DONE, Delivered(), HEALTH)
    event = await store.event("evt_1")
    assert event is not None
    assert [delivery.state for delivery in event.deliveries] == ["delivered"]
    assert [attempt.outcome for attempt in event.deliveries[0].attempts] == ["delivered"]
    assert await pruned(store, time.at + 1) == (1, 1)


@pytest.mark.parametrize("other", ["event", "endpoint"])
async def test_an_attempt_counts_only_for_the_event_and_endpoint_that_it_names(other: str) -> None:
    store = memory_store(Time())
    (watch,) = await store.sync_watches([listing(spec())], [])
    await store.record_ending(watch.row, new_event("evt_1", ("a",)), snapshot())
    (claim,) = await store.claim_due("a", 1)
    strange = (
        claim._replace(event_id="evt_2") if other == "event" else claim._replace(endpoint="b")
    )
    await store.record_attempt(strange, DONE, Delivered(), HEALTH)

    event = await store.event("evt_1")
    assert event is not None
    assert [delivery.state for delivery in event.deliveries] == ["pending"]
    assert [attempt.outcome for attempt in event.deliveries[0].attempts] == [None]


@pytest.mark.parametrize("table", ["watches", "deliveries"])
async def test_a_row_id_is_never_used_again(table: str) -> None:
    database = memory_database()
    store = Store(database, InlineExecutor(), Time())

    def newest(db: Connection) -> int:
        return int(db.execute(f"SELECT max(id) FROM {table}").fetchone()[0])  # noqa: S608

    seen = set[int]()
    for number in range(3):
        (watch,) = await store.sync_watches([listing(spec(f"video_{number}"))], [])
        await store.record_ending(watch.row, new_event(f"evt_{number}"), snapshot())
        (claim,) = await store.claim_due("app", 1)
        await store.record_attempt(claim, DONE, Delivered(), HEALTH)
        seen.add(database.transact(newest))
        await store.sync_watches([listing()], [])
        assert await pruned(store, START + 1) == (1, 1)
    assert len(seen) == 3


async def test_an_event_id_is_the_first_taking_and_a_keyed_hash_of_the_watch() -> None:
    store = memory_store(Time(START + 0.1234))
    (watch,) = await store.sync_watches([listing(spec("vidéo", generation=3))], [])

    parts = ("main", "vidéo", "3", "ending")
    raw = [part.encode() for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in raw)
    digest = hmac.digest(STORE_ID.encode(), message, hashlib.sha256).hex()
    expected = f"evt_{1_760_000_000_123:012x}{digest[:20]}"
    assert watch_event_id(STORE_ID, watch, EventKind.ENDING) == expected
    assert len({watch_event_id(STORE_ID, watch, kind) for kind in EventKind}) == 4
    assert watch_event_id("another store", watch, EventKind.ENDING) != expected


def test_lengths_keep_parts_apart() -> None:
    ids = {
        watch_event_id(STORE_ID, Watch(1, spec(video, gateway), START), EventKind.ENDING)
        for gateway, video in (("a", "bc"), ("ab", "c"), ("", "abc"))
    }
    assert len(ids) == 3


async def test_clock_repair_and_a_second_life_keep_the_event_id() -> None:
    time = Time()
    store = memory_store(time)
    (watch,) = await store.sync_watches([listing(spec())], [])
    known = watch_event_id(STORE_ID, watch, EventKind.ENDING)
    await store.keep_drift(3600.0)
    time.at += 3660
    await store.recover({}, 60)
    await store.sync_watches([listing()], [])
    (again,) = await store.sync_watches([listing(spec())], [])

    assert again.taken_at == time.at
    assert watch_event_id(STORE_ID, again, EventKind.ENDING) == known
    (second,) = await store.sync_watches([listing(spec(generation=2))], [])
    assert watch_event_id(STORE_ID, second, EventKind.ENDING) != known


def test_random_ids_begin_with_the_time_and_are_as_long() -> None:
    made = random_event_id(START)
    assert made.startswith(f"evt_{int(START * 1000):012x}")
    assert len(made) == len("evt_") + 32
    assert made != random_event_id(START)
    assert random_event_id(-1.0).startswith("evt_000000000000")
    assert random_event_id(1e300).startswith("evt_ffffffffffff")


async def test_a_watch_has_one_event_of_each_kind() -> None:
    database = memory_database()
    store = Store(database, InlineExecutor(), Time())
    (watch,) = await store.sync_watches([listing(spec())], [])
    await store.record_ending(watch.row, new_event("evt_1"), snapshot())

    def insert(db: Connection, event_id: str, kind: str | None) -> None:
        db.execute(
            "INSERT INTO events (id, watch, kind, type, created_at, recorded_at) "
            "VALUES (?, ?, ?, 'video.failed', 0, 0)",
            (event_id, watch.row, kind),
        )

    for refused in ("ending", "another", None):
        with pytest.raises(StoreError, match="constraint"):
            database.transact(insert, "evt_2", refused)
    for kind in ("expiring", "archived", "archive_failed"):
        database.transact(insert, f"evt_{kind}", kind)
    # the view of the watch still shows its ending, once
    view = await store.watch(spec().key)
    assert view is not None
    assert view.event_id == "evt_1"
    assert len(await store.watches(ALL_WATCHES)) == 1


async def test_a_store_has_an_id_of_its_own_that_stays() -> None:
    first, second = memory_database(), memory_database()
    assert first.store_id != second.store_id
    assert len(first.store_id) == 32
