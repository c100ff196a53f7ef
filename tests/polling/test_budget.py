"""The scheduler keeps to the budget, and to less when the gateway asks for a wait."""

from functools import partial
from itertools import pairwise

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from notifier.model.answer import Answer, PollError, Unauthorized
from notifier.wakeup import TICKS_PER_SECOND
from tests.polling.schedulers import Gateway, ask, make_scheduler, rules


async def test_no_second_sees_more_requests_than_the_budget(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    scheduler = make_scheduler(nursery, gateway, rate=10)

    async with trio.open_nursery() as pollers:
        for number in range(100):
            pollers.start_soon(ask, scheduler, f"video_{number}")

    times = [at for at, _ in gateway.asked]
    assert len(times) == 100
    assert all(later - at >= 1 - 1e-6 for at, later in zip(times, times[10:], strict=False))


async def test_the_budget_holds_also_when_a_gateway_that_hung_comes_back(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    class Hanging(Gateway):
        async def retrieve(self, video_id: str) -> Answer:
            self.asked.append((trio.current_time(), video_id))
            await trio.sleep(30 if trio.current_time() < 60 else 0.05)
            return self.answer

    gateway = Hanging()
    scheduler = make_scheduler(nursery, gateway, rate=10)

    async with trio.open_nursery() as pollers:
        for number in range(600):
            pollers.start_soon(ask, scheduler, f"video_{number}")

    times = [at for at, _ in gateway.asked]
    assert len(times) == 600
    assert all(later - at >= 1 - 1e-6 for at, later in zip(times, times[10:], strict=False))


@pytest.mark.parametrize("rate", [64, 65, 100, 128, 129, 130, 131, 500, 3000])
async def test_at_a_high_rate_requests_start_together_and_no_second_sees_more_than_the_budget(
    autojump_clock: MockClock, nursery: trio.Nursery, rate: int
) -> None:
    gateway = Gateway()
    scheduler = make_scheduler(nursery, gateway, rate=rate, in_flight=10_000)

    async with trio.open_nursery() as pollers:
        for number in range(3 * rate):
            pollers.start_soon(partial(ask, scheduler, f"video_{number}", due_in=number % 7 / 64))

    times = [at for at, _ in gateway.asked]
    assert len(times) == 3 * rate
    assert all(later - at >= 1 - 1e-6 for at, later in zip(times, times[rate:], strict=False))
    assert times[-1] - times[0] < 3.1
    assert len(set(times)) <= 3.2 * min(rate, 2 * TICKS_PER_SECOND)


async def test_of_permits_that_nobody_took_only_those_of_the_last_tick_are_left(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    scheduler = make_scheduler(nursery, gateway, rate=500, in_flight=100)

    for number in range(5):
        await trio.sleep(5)
        async with trio.open_nursery() as pollers:
            for video in range(50):
                pollers.start_soon(ask, scheduler, f"video_{number}_{video}")

    times = [at for at, _ in gateway.asked]
    assert max(times.count(at) for at in times) <= 0.02 * 500
    assert all(later - at >= 1 - 1e-6 for at, later in zip(times, times[500:], strict=False))


async def test_a_probe_of_a_refused_key_uses_the_budget(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answers = {"a": Unauthorized(401)}
    scheduler = make_scheduler(nursery, gateway, rate=0.01)

    await ask(scheduler, "a")
    async with trio.open_nursery() as pollers:
        for number in range(3):
            pollers.start_soon(ask, scheduler, f"video_{number}")

    assert [at for at, _ in gateway.asked] == [0, 100, 200, 300]


LIMITED = PollError("http_429", status=429, wait=60)


async def test_after_a_429_no_request_is_made_until_the_wait_is_over_and_then_more_and_more(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answers = {"limited": LIMITED}
    scheduler = make_scheduler(nursery, gateway, rate=10)

    async with trio.open_nursery() as pollers:
        pollers.start_soon(ask, scheduler, "limited")
        await trio.lowlevel.checkpoint()
        for number in range(100):
            pollers.start_soon(ask, scheduler, f"video_{number}")

    times = [at for at, _ in gateway.asked if at > 0]
    gaps = [later - at for at, later in pairwise(times)]
    assert times[0] >= 60
    assert gaps[0] == pytest.approx(0.2)
    assert all(later <= gap + 1e-6 for gap, later in pairwise(gaps))
    assert gaps[-1] == pytest.approx(0.1)


async def test_requests_slow_down_also_after_a_429_that_names_no_wait(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answers = {"limited": PollError("http_429", status=429)}
    scheduler = make_scheduler(nursery, gateway, rate=10)

    for video_id in ("limited", "a", "b"):
        await ask(scheduler, video_id)

    assert [at for at, _ in gateway.asked] == pytest.approx([0, 0.1, 0.3])


async def test_a_wait_of_a_year_is_ten_minutes_and_counts_once_for_one_limited_video(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answers = {"limited": PollError("http_429", status=429, wait=365 * 86400)}
    scheduler = make_scheduler(nursery, gateway)

    for _ in range(3):
        await ask(scheduler, "limited")
        await ask(scheduler, "good")

    good = [at for at, video_id in gateway.asked if video_id == "good"]
    assert good[0] == 600
    assert good[-1] < 610


@pytest.mark.parametrize("rate", [0.5, 10.0])
async def test_a_rest_lasts_however_often_the_budget_is_granted_anew(
    autojump_clock: MockClock, nursery: trio.Nursery, rate: float
) -> None:
    gateway = Gateway()
    gateway.answers = {"limited": PollError("http_429", status=429, wait=60)}
    scheduler = make_scheduler(nursery, gateway, rate=rate)
    await ask(scheduler, "limited")

    async with trio.open_nursery() as pollers:
        pollers.start_soon(ask, scheduler, "good")
        for _ in range(20):
            await trio.sleep(5)
            scheduler.grant(rate)

    assert [at for at, _ in gateway.asked] == [0, 60]


async def test_a_budget_that_changes_holds_at_once(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    scheduler = make_scheduler(nursery, gateway, rate=1)

    async with trio.open_nursery() as pollers:
        for number in range(100):
            pollers.start_soon(ask, scheduler, f"video_{number}")
        await trio.sleep(10.5)
        scheduler.change(gateway, rules(10))
        await trio.sleep(5)
        faster = len(gateway.asked)
        scheduler.change(gateway, rules(1))
        await trio.sleep(10)
        slower = len(gateway.asked)
        pollers.cancel_scope.cancel()

    assert 50 <= faster <= 62
    assert 9 <= slower - faster <= 11


async def test_a_grant_takes_the_place_of_the_budget_and_none_lets_nothing_through(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    scheduler = make_scheduler(nursery, gateway, rate=10)
    scheduler.grant(0.0)
    async with trio.open_nursery() as pollers:
        for number in range(10):
            pollers.start_soon(ask, scheduler, f"video_{number}")
        await trio.sleep(60)
        assert gateway.asked == []
        scheduler.change(gateway, rules(rate=10))  # a reload does not raise it
        await trio.sleep(5)
        assert gateway.asked == []
        scheduler.grant(2.0)
        began = trio.current_time()

    times = [at - began for at, _ in gateway.asked]
    assert 4 <= max(times) <= 6


async def test_nothing_is_asked_while_it_is_not_allowed(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway, allowed = Gateway(), [False]
    scheduler = make_scheduler(nursery, gateway, rate=10, allowed=lambda: allowed[0])
    async with trio.open_nursery() as pollers:
        pollers.start_soon(ask, scheduler, "video_1")
        await trio.sleep(30)
        assert gateway.asked == []
        allowed[0] = True
        began = trio.current_time()

    assert gateway.asked[0][0] - began < 1
