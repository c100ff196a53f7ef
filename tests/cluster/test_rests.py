"""When a gateway tells one instance to wait, the others do not go on asking it."""

from collections.abc import AsyncIterator
from itertools import cycle
from random import Random

import pytest
import trio
from trio.testing import MockClock

from notifier.model.answer import PollError, Seen, Unauthorized
from notifier.model.condition import GatewayState
from notifier.polling import GatewayScheduler, SchedulerLimits
from tests.builders import snapshot
from tests.cluster.cluster import BUDGET, LEASE, Cluster, Process
from tests.polling.schedulers import Gateway, ask

TWO_BEATS = 2 * 1.2 * LEASE / 3 + 1
"""How long the longest two beats take, and their calls."""


@pytest.fixture
async def cluster(autojump_clock: MockClock) -> AsyncIterator[Cluster]:
    async with trio.open_nursery() as nursery:
        yield Cluster(nursery)
        nursery.cancel_scope.cancel()


class Asking:
    """An instance that asks about its own videos, one after another, as fast as it may."""

    def __init__(self, cluster: Cluster, process: Process) -> None:
        self.process = process
        self.gateway = Gateway()
        limits = SchedulerLimits(BUDGET, in_flight=32, poll_interval=20)
        self.scheduler = GatewayScheduler(
            "main", self.gateway, limits, now=cluster.now, rng=Random(0)
        )
        self.scheduler.grant(0.0)
        process.scheduler = self.scheduler
        cluster.nursery.start_soon(self.scheduler.run)
        cluster.nursery.start_soon(self._ask)

    async def _ask(self) -> None:
        for number in cycle(range(10)):
            await ask(self.scheduler, f"{self.process.name}_{number}")

    def asked(self, since: float, until: float) -> int:
        return sum(since <= at < until for at, _ in self.gateway.asked)


async def two_that_ask(cluster: Cluster) -> tuple[Asking, Asking]:
    one, other = [Asking(cluster, await cluster.start(name)) for name in ("alpha", "beta")]
    await trio.sleep(4 * LEASE)
    return one, other


async def test_what_one_is_told_with_a_429_all_wait_for_and_go_on_when_it_is_over(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha, beta = await two_that_ask(cluster)
    began = trio.current_time()
    alpha.gateway.answer = PollError("http_429", status=429, wait=60)
    await trio.sleep(1)
    alpha.gateway.answer = Seen(snapshot())

    await trio.sleep(120)
    assert beta.asked(began, began + 1) > 0
    for each in (alpha, beta):
        assert each.asked(began + TWO_BEATS, began + 60) == 0
        assert each.asked(began + 61, began + 61 + TWO_BEATS) > 0


async def test_the_gateway_is_limited_for_all_while_it_rests(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha, beta = await two_that_ask(cluster)
    alpha.gateway.answer = PollError("http_429", status=429, wait=60)
    await trio.sleep(1)
    alpha.gateway.answer = Seen(snapshot())
    assert beta.scheduler.condition().state is GatewayState.OK
    await trio.sleep(TWO_BEATS)
    told = beta.scheduler.condition()
    assert told.state is GatewayState.LIMITED
    await trio.sleep(LEASE)
    assert beta.scheduler.condition().since == told.since
    await trio.sleep(60)
    for each in (alpha, beta):
        assert each.scheduler.condition().state is GatewayState.OK


async def test_who_joins_during_a_rest_waits_for_its_end(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = Asking(cluster, await cluster.start("alpha"))
    alpha.gateway.answer = PollError("http_429", status=429, wait=120)
    await trio.sleep(TWO_BEATS)
    beta = cluster.process("beta")
    joined = Asking(cluster, beta)
    await cluster.nursery.start(beta.run)
    await trio.sleep(180)
    assert joined.gateway.asked
    assert joined.gateway.asked[0][0] >= 120


async def test_a_key_that_is_refused_to_one_stops_no_other(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha, beta = await two_that_ask(cluster)
    began = trio.current_time()
    alpha.gateway.answer = Unauthorized(401)
    await trio.sleep(120)
    assert alpha.scheduler.paused
    assert not beta.scheduler.paused
    assert beta.asked(began, began + 120) > 100
