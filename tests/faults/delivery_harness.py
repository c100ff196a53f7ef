"""The delivery pipeline as the daemon wires it, over real sockets."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import trio

from notifier.delivery import (
    AttemptRecorder,
    AttemptRunner,
    DeliveryRules,
    EndpointFlow,
    EndpointNotices,
    Lane,
    LaneRules,
)
from notifier.http_client import open_client
from notifier.http_server import serve
from notifier.model.delivery import Format
from notifier.schedule.clock import Clock
from notifier.signing import decode_secret, generate_secret
from notifier.store import Store
from notifier.store.delivery_counts import DeliveryCounts
from notifier.wakeup import Wakeup
from notifier.webhook import Target, WebhookSender
from tests.builders import memory_store, rng
from tests.delivery.lanes import HEALTHY, put, steady_clock
from tests.faults.behaviours import MisbehavingReceiver
from tests.process.harness import PATIENCE

QUICKLY = (0.2,) * 20
"""Waits between attempts that a test can sit out, in seconds."""

Timeout = float | Callable[[], float]
"""An endpoint's timeout in seconds, or what returns that of the next attempt."""


@dataclass
class DeliveryHarness:
    """Delivers from `store`; a lane per receiver."""

    store: Store
    recorder: AttemptRecorder
    clock: Clock
    nursery: trio.Nursery
    connections: AsyncExitStack
    secret: str = field(default_factory=generate_secret)
    lanes: dict[str, Lane] = field(default_factory=dict)

    async def receiver(
        self,
        name: str,
        receiver: MisbehavingReceiver,
        *,
        timeout: Timeout = 60.0,  # noqa: ASYNC109 - the endpoint's own
        schedule: Sequence[float] = QUICKLY,
    ) -> MisbehavingReceiver:
        """Let `receiver` listen, and deliver to it."""
        receiver.port = await self.nursery.start(partial(serve, receiver.handle, port=0))
        await self.endpoint(name, receiver.url, timeout=timeout, schedule=schedule)
        return receiver

    async def endpoint(
        self,
        name: str,
        url: str,
        *,
        timeout: Timeout,  # noqa: ASYNC109 - the endpoint's own
        schedule: Sequence[float] = QUICKLY,
    ) -> None:
        """Deliver to `url`; a `timeout` that can be called is called for each attempt."""
        keys = [decode_secret(self.secret)]

        def target() -> Target:
            return Target(url, {}, keys, timeout() if callable(timeout) else timeout)

        client = await self.connections.enter_async_context(open_client(4))
        notices = EndpointNotices(
            (), new_id=lambda: "evt_notice", wall=self.clock.wall, wake=lambda _: None
        )
        runner = AttemptRunner(
            DeliveryRules(name, Format.STANDARD, schedule),
            WebhookSender(client, target, self.clock.wall),
            self.recorder,
            notices,
            health=HEALTHY,
            clock=self.clock,
            rng=rng(),
        )
        flow = EndpointFlow(LaneRules(name, 4), runner, self.store, clock=self.clock, rng=rng())
        lane = Lane(name, flow, runner, Wakeup())
        self.lanes[name] = lane
        self.nursery.start_soon(lane.run)

    async def send(self, *endpoints: str, count: int = 1, first: int = 0) -> None:
        """Commit `count` events for `endpoints`, and wake their lanes."""
        await put(self.store, *endpoints, count=count, first=first)
        for name in endpoints:
            self.lanes[name].wake()

    async def settled(self) -> DeliveryCounts:
        """Wait until nothing is pending, and return how the deliveries ended."""
        with trio.fail_after(PATIENCE):
            while True:
                counts = (await self.store.outstanding(0)).deliveries
                if not counts.pending:
                    return counts
                await trio.sleep(0.02)


@asynccontextmanager
async def delivery_harness() -> AsyncIterator[DeliveryHarness]:
    """Deliver from a store in memory for as long as the block lasts."""
    clock = steady_clock()
    async with harness_on(memory_store(clock), clock) as p:
        yield p


@asynccontextmanager
async def harness_on(store: Store, clock: Clock) -> AsyncIterator[DeliveryHarness]:
    """Deliver from `store` for as long as the block lasts."""
    async with trio.open_nursery() as nursery, AsyncExitStack() as connections:
        yield DeliveryHarness(
            store, AttemptRecorder(store, clock.now), clock, nursery, connections
        )
        nursery.cancel_scope.cancel()
