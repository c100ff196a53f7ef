"""Pruning: what is removed, and what stays."""

import pytest

from notifier.model.delivery import AttemptRecord, DeadLetter, Delivered, Hold, Settlement
from notifier.model.follow_up import FollowUpPlan
from notifier.model.health import Health
from notifier.model.watch import Callback
from notifier.store import Store
from notifier.store.pruning import BATCH, Position
from tests.builders import START, Time, listing, memory_store, new_event, snapshot, spec
from tests.store.pruned import pruned

pytestmark = pytest.mark.usefixtures("each_engine")

DAY = 86_400.0
HEALTH = Health("mark", START, START)


async def over(time: Time, settlement: Settlement | None, *, listed: bool = False) -> Store:
    """Return a store with one watch that has ended, its delivery settled so (None: pending)."""
    store = memory_store(time)
    (watch,) = await store.sync_watches([listing(spec())], [])
    await store.record_ending(watch.row, new_event(), snapshot())
    if settlement is not None:
        (claim,) = await store.claim_due("app", 1)
        attempt = AttemptRecord(START, 1, "any")
        await store.record_attempt(claim, attempt, settlement, HEALTH)
    if not listed:
        await store.sync_watches([], ["config"])
    return store


async def test_what_is_older_than_the_retention_is_removed_with_all_its_rows() -> None:
    for settlement in (Delivered(), DeadLetter("no use")):
        store = await over(Time(), settlement)

        assert await pruned(store, START) == (0, 0)
        assert await pruned(store, START + 1) == (1, 1)
        left = (await store.outstanding(0)).deliveries
        assert (left.delivered, left.dead) == (0, 0)


async def test_what_is_pending_or_held_stays_however_old_it_is() -> None:
    for settlement in (None, Hold("410 Gone")):
        store = await over(Time(), settlement)

        assert await pruned(store, START + 1e9) == (0, 0)
        left = (await store.outstanding(0)).deliveries
        assert left.pending + left.held == 1


async def test_age_counts_from_when_the_last_delivery_was_settled() -> None:
    time = Time()
    store = await over(time, None)
    time.at += 20 * DAY
    (claim,) = await store.claim_due("app", 1)
    await store.record_attempt(claim, AttemptRecord(time.at, 1, "any"), Delivered(), HEALTH)

    assert await pruned(store, START + 15 * DAY) == (0, 0)
    assert await pruned(store, START + 21 * DAY) == (1, 1)


async def test_a_watch_that_a_file_still_lists_is_not_watched_again_after_pruning() -> None:
    store = await over(Time(), Delivered(), listed=True)

    assert await pruned(store, START + 1e9) == (1, 0)

    assert await store.sync_watches([listing(spec())], []) == []
    assert await store.sync_watches([], ["config"]) == []
    assert await pruned(store, START + 1e9) == (0, 1)


async def test_a_batch_is_bounded_and_the_next_one_begins_where_it_ended() -> None:
    store = memory_store(Time())
    many = 2 * BATCH + 5
    specs = [spec(f"video_{number}") for number in range(many)]
    for number, watch in enumerate(await store.sync_watches([listing(*specs)], [])):
        await store.record_ending(watch.row, new_event(f"evt_{number:05}", ()), snapshot())
    await store.sync_watches([], ["config"])

    first = await store.prune_events(START + 1, Position())
    assert (first.removed, first.end) == (BATCH, Position(START, f"evt_{BATCH - 1:05}"))
    assert await pruned(store, START + 1) == (many - BATCH, many)


async def test_what_has_to_stay_is_examined_once_in_a_pass() -> None:
    store = memory_store(Time())
    specs = [spec(f"video_{number}") for number in range(BATCH + 1)]
    for number, watch in enumerate(await store.sync_watches([listing(*specs)], [])):
        await store.record_ending(watch.row, new_event(f"evt_{number:05}"), snapshot())

    first = await store.prune_events(START + 1e9, Position())
    assert first.removed == 0
    assert first.end is not None
    assert (await store.prune_events(START + 1e9, first.end)).end is None


async def test_a_withdrawn_watch_is_removed() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(spec())], [])
    await store.sync_watches([], ["config"])
    assert await pruned(store, START + 1) == (0, 1)


async def test_the_callback_of_an_open_watch_stays_and_gets_its_event() -> None:
    time = Time()
    store = memory_store(time)
    await store.reconcile_endpoints({"app": "mark", "app@callback": "mark"})
    named = spec(endpoints=("app",))
    callback = Callback("https://callback.example/", "app")
    watch, _ = await store.add_watch(named, again=False, callback=callback)
    time.at += 100 * DAY
    assert await pruned(store, time.at) == (0, 0)

    await store.record_ending(watch.row, new_event(), snapshot())
    (claim,) = await store.claim_due("app@callback", 1)
    assert claim.url == "https://callback.example/"


async def test_a_callback_is_removed_with_its_event_though_a_file_still_lists_the_watch() -> None:
    store = memory_store(Time())
    await store.reconcile_endpoints({"app": "mark", "app@callback": "mark"})
    callback = Callback("https://callback.example/", "app")
    watch, _ = await store.add_watch(spec(), again=False, callback=callback)
    await store.sync_watches([listing(spec())], [])
    await store.record_ending(watch.row, new_event(endpoints=()), snapshot())
    (claim,) = await store.claim_due("app@callback", 1)
    assert await callback_of(store) == callback
    assert await pruned(store, START + 1) == (0, 0)
    assert await callback_of(store) == callback

    await store.record_attempt(claim, AttemptRecord(START, 1, "any"), Delivered(), HEALTH)
    assert await pruned(store, START + 1) == (1, 0)
    assert await callback_of(store) is None


async def callback_of(store: Store) -> Callback | None:
    view = await store.watch(spec().key)
    assert view is not None
    return view.callback


async def test_a_watch_stays_while_its_copy_or_its_expiry_is_still_to_come() -> None:
    for plan in (FollowUpPlan(archive=True), FollowUpPlan(expires_at=START + DAY)):
        time = Time()
        store = memory_store(time)
        (watch,) = await store.sync_watches([listing(spec())], [])
        await store.record_ending(watch.row, new_event(endpoints=()), snapshot(), plan=plan)
        await store.sync_watches([], ["config"])
        assert await pruned(store, START + 1) == (1, 0)
        assert await pruned(store, START + 400 * DAY) == (0, 1)
        assert await store.waiting_downloads() == {}
        assert await store.pending_downloads() == frozenset()
        assert await store.expiry_timers("main", 9) == []


async def test_a_batch_of_watches_begins_after_the_last_one_of_the_batch_before() -> None:
    store = memory_store(Time())
    specs = [spec(f"video_{number}") for number in range(BATCH + 1)]
    for number, watch in enumerate(await store.sync_watches([listing(*specs)], [])):
        await store.record_ending(watch.row, new_event(f"evt_{number:05}"), snapshot())

    first = await store.prune_watches(START + 1, Position())
    assert first.end is not None
    assert first.end.at == START
    assert (await store.prune_watches(START + 1, first.end)).end is None


async def test_an_open_watch_is_never_removed() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(spec())], [])
    assert await pruned(store, START + 1e9) == (0, 0)
