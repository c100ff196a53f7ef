"""Idle connections: latest first, limited in number and in time, at constant cost."""

import time
from math import inf

import trio
from trio.testing import MockClock

from notifier.http_client.pool import Pool
from notifier.http_client.requests import Origin

HERE = Origin("http", "here", 80)
THERE = Origin("http", "there", 80)


class Fake:
    """A connection whose state a test sets."""

    reusable = True
    stale = False
    closed = False

    def __init__(self, origin: Origin = HERE, ends_at: float = inf) -> None:
        self.origin = origin
        self.ends_at = ends_at

    def is_stale(self) -> bool:
        return self.stale

    def close(self) -> None:
        self.closed = True


def filled(pool: Pool[Fake], *connections: Fake) -> None:
    for one in connections:
        pool.give_back(one)


def taken(pool: Pool[Fake], origin: Origin = HERE) -> Fake | None:
    return pool.take(origin, trio.current_time())


def again(pool: Pool[Fake]) -> Fake:
    found = pool.take(HERE, trio.current_time())
    assert found is not None
    return found


async def test_the_latest_is_used_first() -> None:
    pool, (first, second) = Pool[Fake](9, 60), (Fake(), Fake())
    filled(pool, first, second)
    assert [taken(pool), taken(pool), taken(pool)] == [second, first, None]


async def test_a_connection_is_for_its_own_origin() -> None:
    pool, here = Pool[Fake](9, 60), Fake()
    filled(pool, here)
    assert taken(pool, THERE) is None
    assert taken(pool) is here


async def test_the_oldest_is_closed_when_there_are_too_many_over_all_origins() -> None:
    pool, idle, there = Pool[Fake](2, 60), [Fake() for _ in range(3)], Fake(THERE)
    filled(pool, idle[0], there, *idle[1:])
    assert [one.closed for one in (*idle, there)] == [True, False, False, True]
    assert [taken(pool), taken(pool), taken(pool), taken(pool, THERE)] == [
        *idle[:0:-1],
        None,
        None,
    ]


async def test_origins_that_are_never_asked_again_do_not_add_up(autojump_clock: MockClock) -> None:
    pool = Pool[Fake](4, 60)
    others = [Fake(Origin("http", f"host-{number}", 80)) for number in range(100)]
    filled(pool, *others)
    assert sum(not one.closed for one in others) == 4
    await trio.sleep(60)
    filled(pool, Fake())
    assert all(one.closed for one in others)


async def test_a_connection_is_kept_for_a_while_only(autojump_clock: MockClock) -> None:
    pool, old, young = Pool[Fake](9, 60), Fake(), Fake()
    filled(pool, old)
    await trio.sleep(59)
    filled(pool, young)
    assert not old.closed
    await trio.sleep(1)
    filled(pool, again(pool))
    assert (old.closed, young.closed) == (True, False)
    await trio.sleep(60)
    assert taken(pool) is None
    assert young.closed


async def test_a_connection_that_the_server_closed_or_that_is_in_use_is_not_kept() -> None:
    pool, closed, half = Pool[Fake](9, 60), Fake(), Fake()
    half.reusable = False
    filled(pool, closed, half)
    closed.stale = True
    assert taken(pool) is None
    assert (closed.closed, half.closed) == (True, True)


async def test_idle_connections_are_closed_at_the_end() -> None:
    pool, idle = Pool[Fake](9, 60), [Fake(), Fake(THERE)]
    filled(pool, *idle)
    pool.close()
    assert all(one.closed for one in idle)


async def test_a_thousand_idle_connections_make_none_of_them_dearer() -> None:
    assert cost_with(1000) < 10 * cost_with(10)  # 100 times, if each were looked at


def cost_with(idle: int) -> float:
    """Return the least CPU time of 2000 uses beside so many idle connections."""
    pool = Pool[Fake](idle, 60)
    filled(pool, *(Fake() for _ in range(idle)))

    def turns() -> float:
        began = time.thread_time()
        for _ in range(2000):
            filled(pool, again(pool))
        return time.thread_time() - began

    return min(turns() for _ in range(5))


async def test_a_connection_is_not_used_beyond_its_age(autojump_clock: MockClock) -> None:
    pool, now = Pool[Fake](9, 600), trio.current_time()
    idle, in_use = Fake(ends_at=now + 300), Fake(ends_at=now + 300)
    filled(pool, idle)
    await trio.sleep(299)
    assert taken(pool) is idle
    filled(pool, idle)
    await trio.sleep(1)
    assert taken(pool) is None
    filled(pool, in_use)  # its exchange was not cut
    assert (idle.closed, in_use.closed) == (True, True)


async def test_once_retired_it_keeps_nothing() -> None:
    pool, idle, in_use = Pool[Fake](9, 60), Fake(), Fake()
    filled(pool, idle)
    pool.retire()
    filled(pool, in_use)
    assert (idle.closed, in_use.closed) == (True, True)
