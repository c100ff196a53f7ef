"""Deliveries that are claimed as they are recorded, and handed to their lane."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import trio
from trio.testing import MockClock

from notifier.delivery import Dispatcher, LaneRules, Outbox, Subscription
from notifier.delivery.dispatcher import Reservation
from notifier.model.delivery import Format
from notifier.model.watch import Watch
from notifier.store import Store
from tests.builders import NothingFollows, ending, listing, memory_store, spec
from tests.delivery.lanes import RULES, Parts, Receiver, steady_clock
from tests.delivery.test_lane import Counting

ALONE = LaneRules("app", 1)


@dataclass
class Rig:
    """Watches that end, and the lane of the one endpoint."""

    receiver: Receiver
    rules: LaneRules = RULES
    dispatcher: Dispatcher = field(default_factory=Dispatcher)

    def __post_init__(self) -> None:
        self.clock = steady_clock()
        self.store: Store = memory_store(self.clock)
        self.counted = Counting(self.store)
        self.lane = Parts(self.counted, self.receiver, self.clock, self.rules).lane()  # type: ignore[arg-type]  # what a lane needs of it
        self.dispatcher.add("app", self.lane)
        self.outbox = Outbox(
            self.store,
            [Subscription("app", Format.STANDARD, ("video.*",))],
            content_url=lambda gateway, video: f"http://{gateway}/{video}",
            follow_ups=NothingFollows(),
            event_id=lambda watch, _: f"evt_{watch.key.video_id}",
            wall=self.clock.wall,
            lanes=self.dispatcher,
        )

    async def watches(self, *names: str) -> list[Watch]:
        return await self.store.sync_watches([listing(*map(spec, names))], [])

    @property
    def got(self) -> list[str]:
        return [event for _, event, _ in self.receiver.got]

    async def attempts(self, event: str) -> list[tuple[int, str | None]]:
        shown = await self.store.event(event)
        assert shown is not None
        return [(each.number, each.outcome) for each in shown.deliveries[0].attempts]


async def test_an_idle_lane_gets_the_delivery_of_an_ending_without_asking_the_store(
    autojump_clock: MockClock,
) -> None:
    rig = Rig(Receiver(takes=1))
    first, second = await rig.watches("a", "b")
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        asked = len(rig.counted.claimed)
        for watch in (first, second):
            await rig.outbox.publish(ending(watch))
        await trio.sleep(10)
        assert len(rig.counted.claimed) == asked
        rig.dispatcher.stop()

    assert rig.got == ["evt_a", "evt_b"]
    assert await rig.attempts("evt_a") == [(1, "delivered")]
    assert (await rig.store.outstanding(0)).deliveries.delivered == 2


async def test_a_burst_of_endings_is_handed_over_without_asking_the_store(
    autojump_clock: MockClock,
) -> None:
    rig = Rig(Receiver(takes=1))
    watches = await rig.watches(*(f"{number:02}" for number in range(40)))
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        asked = len(rig.counted.claimed)
        for watch in watches:
            await rig.outbox.publish(ending(watch))
        await trio.sleep(11)
        assert len(rig.counted.claimed) == asked
        rig.dispatcher.stop()

    assert len(rig.got) == 40
    assert rig.receiver.most_at_once == 4


async def test_a_lane_that_catches_up_is_handed_endings_again_though_they_never_pause(
    autojump_clock: MockClock,
) -> None:
    rig = Rig(Receiver(takes=0.1))
    rig.counted.takes = 1
    watches = await rig.watches(*(f"{number:03}" for number in range(100)))
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(2)
        rig.lane.wake()
        asked = len(rig.counted.claimed)
        for watch in watches:  # some during each look at the store
            await rig.outbox.publish(ending(watch))
            await trio.sleep(0.4)
        assert len(rig.counted.claimed) <= asked + 3
        rig.dispatcher.stop()

    assert sorted(rig.got) == [f"evt_{number:03}" for number in range(100)]


async def test_a_new_delivery_does_not_overtake_those_that_wait(
    autojump_clock: MockClock,
) -> None:
    rig = Rig(Receiver(takes=10), ALONE)
    watches = await rig.watches(*"abcdef")
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        for watch in watches:  # the first is handed over, the others wait; so do the later ones
            await rig.outbox.publish(ending(watch))
            await trio.sleep(4)
        await trio.sleep(100)
        rig.dispatcher.stop()

    assert rig.got == [f"evt_{name}" for name in "abcdef"]


async def test_a_retry_that_is_due_goes_before_new_deliveries(autojump_clock: MockClock) -> None:
    rig = Rig(Receiver(takes=2, answers=[500]), ALONE)
    watches = await rig.watches(*(f"{number:02}" for number in range(40)))
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        for watch in watches:  # as fast as they are received, so that the lane is never idle
            await rig.outbox.publish(ending(watch))
            await trio.sleep(2)
        await trio.sleep(100)
        rig.dispatcher.stop()

    assert rig.got.index("evt_00", 1) < 8
    assert len(rig.got) == 41


async def test_what_fails_after_it_was_handed_over_is_tried_again(
    autojump_clock: MockClock,
) -> None:
    rig = Rig(Receiver(answers=[500]))
    (watch,) = await rig.watches("a")
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        await rig.outbox.publish(ending(watch))
        await trio.sleep(20)
        rig.dispatcher.stop()

    assert await rig.attempts("evt_a") == [(1, "http_500"), (2, "delivered")]


async def test_a_failing_endpoint_is_handed_nothing(autojump_clock: MockClock) -> None:
    rig = Rig(Receiver(status=None))
    watches = await rig.watches(*"abcdefgh")
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        for watch in watches[:5]:
            await rig.outbox.publish(ending(watch))
        await trio.sleep(1)
        probes = len(rig.got)
        for watch in watches[5:]:
            assert not rig.dispatcher.reserve(["app"]).endpoints
            await rig.outbox.publish(ending(watch))
        assert len(rig.got) == probes
        nursery.cancel_scope.cancel()


async def test_an_endpoint_with_a_rate_limit_is_handed_nothing(autojump_clock: MockClock) -> None:
    rig = Rig(Receiver(), LaneRules("app", 4, 1.0))
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        assert not rig.dispatcher.reserve(["app"]).endpoints
        rig.dispatcher.stop()


async def test_a_lane_that_was_stopped_meanwhile_takes_back_what_it_is_handed(
    autojump_clock: MockClock,
) -> None:
    class Stopping(Dispatcher):
        def reserve(self, endpoints: Iterable[str]) -> Reservation:
            reserved = super().reserve(endpoints)
            self.stop()
            return reserved

    rig = Rig(Receiver(), dispatcher=Stopping())
    (watch,) = await rig.watches("a")
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        await rig.outbox.publish(ending(watch))

    assert rig.counted.released == ["evt_a"]
    assert (rig.got, await rig.attempts("evt_a")) == ([], [])
    assert [claim.attempt for claim in await rig.store.claim_due("app", 1)] == [1]


async def test_more_endings_at_once_than_there_is_room_for_are_all_delivered_in_time(
    autojump_clock: MockClock,
) -> None:
    rig = Rig(Receiver(takes=0.1))
    watches = await rig.watches(*(f"{number:03}" for number in range(100)))
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.dispatcher.run)
        await trio.sleep(1)
        async with trio.open_nursery() as publishers:
            for watch in watches:
                publishers.start_soon(rig.outbox.publish, ending(watch))
        await trio.sleep(100 * 0.1 / 4 + 1)
        rig.dispatcher.stop()

    assert len(rig.got) == len(set(rig.got)) == 100
    assert rig.receiver.most_at_once == 4
    assert (await rig.store.outstanding(0)).deliveries.delivered == 100
