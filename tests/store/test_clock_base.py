"""Timestamps keep their meaning when the system clock is set, whether or not a daemon runs."""

import pytest

from notifier.model.delivery import AttemptRecord, RetryAt
from notifier.model.health import Health
from notifier.model.watch import Observation
from notifier.store import Store
from tests.builders import START, Time, listing, memory_store, new_event, snapshot, spec

HOUR, YEAR = 3600.0, 365 * 86_400.0
ENDED, OPEN = spec("ended"), spec("open")


async def with_a_retry(time: Time, *, due_in: float) -> Store:
    """Return a store with an open watch and a delivery that failed once, at START."""
    store = memory_store(time)
    (watch, other) = await store.sync_watches([listing(ENDED, OPEN)], [])
    await store.save_observations([Observation(other.row, None, START, 2)])
    assert await store.record_ending(watch.row, new_event(), snapshot())
    (claim,) = await store.claim_due("app", 1)
    attempt = AttemptRecord(START, 12, "http_500", 500)
    failing = Health("mark", START, START)
    await store.record_attempt(claim, attempt, RetryAt(START + due_in), failing)
    return store


async def restart(store: Store) -> Health:
    return (await store.recover({"app": "mark"}, YEAR)).reconciled.health["app"]


@pytest.mark.parametrize("jump", [-HOUR, YEAR])
async def test_setting_the_system_clock_while_the_daemon_runs_moves_nothing(jump: float) -> None:
    time = Time()
    store = await with_a_retry(time, due_in=300)
    await store.keep_drift(jump)

    time.at += jump + 60  # the next daemon starts a minute later, by the new calendar
    health = await restart(store)

    assert await store.next_due("app") == pytest.approx(time.at + 240)
    (watch,) = await store.sync_watches([listing(ENDED, OPEN)], [])
    assert watch.taken_at == pytest.approx(time.at - 60)
    assert watch.missing_since == pytest.approx(time.at - 60)
    assert health.failing_since == pytest.approx(time.at - 60)


async def test_setting_the_system_clock_back_between_two_runs_delays_no_retry() -> None:
    time = Time()
    store = await with_a_retry(time, due_in=300)

    time.at -= HOUR
    await restart(store)

    assert await store.next_due("app") == pytest.approx(time.at + 300)
    (watch,) = await store.sync_watches([listing(ENDED, OPEN)], [])
    assert watch.taken_at == pytest.approx(time.at)


async def test_time_that_has_just_passed_moves_nothing() -> None:
    time = Time()
    store = await with_a_retry(time, due_in=300)

    for _ in range(3):
        time.at += 60
        await restart(store)

    assert await store.next_due("app") == START + 300


async def test_a_drift_counts_for_one_restart_only() -> None:
    time = Time()
    store = await with_a_retry(time, due_in=300)
    await store.keep_drift(YEAR)

    time.at += YEAR
    await restart(store)
    await restart(store)

    assert await store.next_due("app") == pytest.approx(time.at + 300)
