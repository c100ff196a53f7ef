"""Timestamps keep their meaning when the system clock is set, whether or not a daemon runs."""

import pytest

from notifier.model.delivery import AttemptRecord, RetryAt
from notifier.model.health import Health
from notifier.model.steady_base import SteadyBase
from notifier.model.watch import Observation
from notifier.store import InlineExecutor, Store
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

pytestmark = pytest.mark.usefixtures("each_engine")

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


def base(boot: str, wall: float, steady: float) -> SteadyBase:
    return SteadyBase(boot, wall - steady)


async def started(store: Store, at: SteadyBase) -> None:
    await store.recover({}, YEAR, at)


async def test_a_clock_set_just_before_a_kill_times_nothing_out() -> None:
    """FIELD S12: the machine boots in 1970; the daemon is killed before it notices the jump."""
    time = Time(100.0)
    store = memory_store(time)
    await started(store, base("boot 1", 100.0, 100.0))
    await store.sync_watches([listing(OPEN)], [])

    time.at = START + 2
    await started(store, base("boot 1", time.at, 102.0))

    (watch,) = await store.sync_watches([listing(OPEN)], [])
    assert watch.taken_at == pytest.approx(START)


async def test_a_clock_set_while_no_daemon_runs_moves_nothing_within_a_boot() -> None:
    time = Time()
    store = memory_store(time)
    await started(store, base("boot 1", time.at, 100.0))
    await store.sync_watches([listing(OPEN)], [])

    for jump in (-HOUR, YEAR, 0.2):
        time.at += jump + 60
        await started(store, base("boot 1", time.at, 160.0))
        (watch,) = await store.sync_watches([listing(OPEN)], [])
        assert watch.taken_at == pytest.approx(time.at - 60, abs=0.5)
        time.at -= 60
        await started(store, base("boot 1", time.at, 100.0))


async def test_a_jump_that_was_noticed_and_then_a_restart_count_once() -> None:
    time = Time()
    store = memory_store(time)
    await started(store, base("boot 1", time.at, 100.0))
    await store.sync_watches([listing(OPEN)], [])
    await store.keep_drift(YEAR)

    time.at += YEAR + 60
    await started(store, base("boot 1", time.at, 160.0))
    (watch,) = await store.sync_watches([listing(OPEN)], [])
    assert watch.taken_at == pytest.approx(time.at - 60)


async def test_time_that_no_daemon_ran_counts_after_another_boot() -> None:
    time = Time()
    store = memory_store(time)
    await started(store, base("boot 1", time.at, 100_000.0))
    await store.sync_watches([listing(OPEN)], [])

    time.at += HOUR
    await started(store, base("boot 2", time.at, 10.0))
    (watch,) = await store.sync_watches([listing(OPEN)], [])
    assert watch.taken_at == START


async def test_a_boot_in_1970_that_ended_before_the_clock_was_set_counts_for_nothing() -> None:
    time = Time(100.0)
    store = memory_store(time)
    await started(store, base("boot 1", 100.0, 100.0))
    time.at = 130.0
    await store.sync_watches([listing(OPEN)], [])

    time.at = START
    await started(store, base("boot 2", START, 20.0))

    (watch,) = await store.sync_watches([listing(OPEN)], [])
    assert watch.taken_at == pytest.approx(START)


async def test_without_the_id_of_a_boot_only_the_noticed_drift_counts() -> None:
    time = Time()
    store = memory_store(time)
    await started(store, base("", time.at, 100.0))
    await store.sync_watches([listing(OPEN)], [])

    time.at += HOUR
    await started(store, base("", time.at, 100.0))
    (watch,) = await store.sync_watches([listing(OPEN)], [])
    assert watch.taken_at == START


async def test_a_damaged_record_of_the_clock_is_no_record() -> None:
    database = memory_database()
    store = Store(database, InlineExecutor(), Time())
    await started(store, base("boot 1", START, 100.0))
    for damage in ("", "x", "[]", '["boot 1", "x", 1]', '["boot 1", 1e999, 1]', "{}"):
        database.transact(
            lambda db, value: db.execute(
                "UPDATE meta SET value = ? WHERE key <> 'store_id'", (value,)
            ),
            damage,
        )
        await started(store, base("boot 1", START, 100.0))
