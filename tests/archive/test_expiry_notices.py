"""When a notice comes that a video expires, and when none comes."""

import json

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.archive.expiry_notices import IN_FLIGHT, MOST_DENIALS
from notifier.delivery import Subscription
from notifier.errors import StoreError
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.delivery import Format
from notifier.model.status import Status
from notifier.store.queries import EventFilter
from tests.archive.gateways import HOUR, Life, noticing
from tests.builders import memory_database, snapshot

GONE = NotFound("no such video")


async def test_a_notice_comes_so_long_before_the_video_expires(autojump_clock: MockClock) -> None:
    life = Life()
    await life.complete("video_1", expires_in=24 * HOUR)
    async with noticing(life):
        await trio.sleep(18 * HOUR - 30)
        assert (life.asked, await life.events()) == ([], [])
        await trio.sleep(90)
        assert await life.events() == ["video_1"]
        assert [round(at / HOUR, 2) for at, _ in life.asked] == [18.0]
        await trio.sleep(48 * HOUR)
        assert len(life.asked) == 1


async def test_a_notice_comes_at_once_if_less_time_is_left(autojump_clock: MockClock) -> None:
    life = Life()
    async with noticing(life):
        await trio.sleep(1)
        await life.complete("video_1", expires_in=60)
        await trio.sleep(0.1)
        assert await life.events() == ["video_1"]


@pytest.mark.parametrize("expires_in", [None, -1.0, 0.0, 400 * 24 * HOUR])
async def test_no_notice_comes_if_the_expiry_is_unknown_or_past(
    expires_in: float | None, autojump_clock: MockClock
) -> None:
    life = Life()
    await life.complete("video_1", expires_in=expires_in)
    async with noticing(life):
        await trio.sleep(30 * HOUR)
        assert (life.asked, await life.events()) == ([], [])


@pytest.mark.parametrize(
    ("answer", "comes"),
    [
        (GONE, False),
        (NotFound("Gone", 410, generic=True), True),
        (Seen(snapshot(Status.FAILED)), False),
        (Seen(snapshot(Status.CANCELLED)), False),
        (Seen(snapshot(Status.COMPLETED)), True),
        (Seen(snapshot(None)), True),
        (PollError("http_500"), True),
        (PollError("paused"), True),
        (Unauthorized(401), True),
    ],
)
async def test_a_question_just_before_may_say_that_the_video_is_gone(
    answer: Answer,
    comes: bool,
    autojump_clock: MockClock,
) -> None:
    life = Life(answers={"video_1": [answer]})
    await life.complete("video_1", expires_in=24 * HOUR)
    async with noticing(life):
        await trio.sleep(20 * HOUR)
        assert await life.events() == (["video_1"] if comes else [])
        assert await life.store.expiry_timers("main", 1) == []


async def test_one_not_found_alone_may_be_a_replica_that_lags(autojump_clock: MockClock) -> None:
    life = Life(answers={"video_1": [GONE, GONE, Seen(snapshot(Status.COMPLETED))]})
    await life.complete("video_1", expires_in=HOUR)
    async with noticing(life):
        await trio.sleep(60)
        assert await life.events() == ["video_1"]
        assert len(life.asked) == MOST_DENIALS


async def test_a_video_that_is_kept_for_longer_has_its_notice_later(
    autojump_clock: MockClock,
) -> None:
    life = Life()
    await life.complete("video_1", expires_in=24 * HOUR)
    later = int(life.clock.wall() + 30 * HOUR)
    life.answers["video_1"] = [Seen(snapshot(Status.COMPLETED, expires_at=later))]
    async with noticing(life):
        await trio.sleep(23 * HOUR)
        assert await life.events() == []
        await trio.sleep(1.1 * HOUR)
        assert await life.events() == ["video_1"]
        (found,) = await life.store.events(EventFilter(type="video.expiring"))
        event = await life.store.event(found.id)
        assert event is not None
        assert event.body["data"]["expires_at"] == later


async def test_a_notice_is_like_the_ending_but_for_its_id_and_type(
    autojump_clock: MockClock,
) -> None:
    life = Life()
    await life.complete("video_1", expires_in=HOUR, metadata={"user": "7"})
    async with noticing(life):
        await trio.sleep(1)
    bodies = []
    for found in await life.store.events(EventFilter()):
        event = await life.store.event(found.id)
        assert event is not None
        assert [each.endpoint for each in event.deliveries] == ["app"]
        bodies.append({**event.body, "id": "", "type": ""})
    assert len({event.id for event in await life.store.events(EventFilter())}) == 2
    assert json.dumps(bodies[0]) == json.dumps(bodies[1])


async def test_endpoints_are_matched_when_the_notice_is_recorded(
    autojump_clock: MockClock,
) -> None:
    only = Subscription("late", Format.STANDARD, ("video.expiring",))
    life = Life(subscriptions=[only])
    await life.store.reconcile_endpoints({"late": "mark"})
    await life.complete("video_1", expires_in=HOUR)
    await life.complete("video_2", expires_in=HOUR, endpoints=("other",))
    async with noticing(life):
        await trio.sleep(1)
    endpoints = {}
    for found in await life.store.events(EventFilter(type="video.expiring")):
        event = await life.store.event(found.id)
        assert event is not None
        endpoints[found.video_id] = [(each.endpoint, each.state) for each in event.deliveries]
    assert endpoints == {"video_1": [("late", "pending")], "video_2": [("other", "cancelled")]}


async def test_notices_survive_restarts_and_none_comes_twice(autojump_clock: MockClock) -> None:
    database = memory_database()
    first = Life(database)
    await first.complete("video_1", "video_2", expires_in=24 * HOUR)
    async with noticing(first):
        await trio.sleep(10 * HOUR)
    for _ in range(3):
        later = Life(database)
        async with noticing(later):
            await trio.sleep(5 * HOUR)
    assert await Life(database).events() == ["video_1", "video_2"]


async def test_a_video_that_expired_while_the_daemon_was_off_has_no_notice(
    autojump_clock: MockClock,
) -> None:
    life = Life()
    await life.complete("video_1", expires_in=HOUR)
    await trio.sleep(2 * HOUR)
    async with noticing(life):
        await trio.sleep(60)
        assert (life.asked, await life.events()) == ([], [])
        assert await life.store.expiry_timers("main", 1) == []


async def test_a_calendar_that_is_set_moves_no_notice(autojump_clock: MockClock) -> None:
    life = Life()
    await life.complete("video_1", expires_in=24 * HOUR)
    async with noticing(life):
        life.wall.ahead += 365 * 24 * HOUR
        await trio.sleep(17 * HOUR)
        assert await life.events() == []
        life.wall.ahead -= 2 * 365 * 24 * HOUR
        await trio.sleep(1.1 * HOUR)
        assert await life.events() == ["video_1"]


async def test_a_reload_may_ask_for_more_or_less_notice(autojump_clock: MockClock) -> None:
    life = Life()
    await life.complete("video_1", "video_2", expires_in=24 * HOUR)
    async with noticing(life, HOUR) as notices:
        await trio.sleep(12 * HOUR)
        assert await life.events() == []
        notices.change(13 * HOUR)
        await trio.sleep(1)
        assert await life.events() == ["video_1", "video_2"]


async def test_a_gateway_that_hangs_delays_few_notices_and_answers_for_the_others(
    autojump_clock: MockClock,
) -> None:
    life = Life(takes=30)
    names = [f"video_{number:02}" for number in range(3 * IN_FLIGHT)]
    await life.complete(*names, expires_in=HOUR)
    async with noticing(life):
        await trio.sleep(3 * 30 + 1)
        assert await life.events() == names
    waves = [round(at / 30) for at, _ in life.asked]
    assert waves == [0] * IN_FLIGHT + [1] * IN_FLIGHT + [2] * IN_FLIGHT


async def test_a_store_that_refuses_delays_a_notice_and_loses_none(
    autojump_clock: MockClock,
) -> None:
    life = Life()
    await life.complete("video_1", expires_in=HOUR)
    real, refused = life.store.record_follow_up, list[int]()

    async def refuse(*args: object) -> bool:
        if len(refused) < 3:
            refused.append(1)
            raise StoreError("the disk is full")
        return await real(*args)  # type: ignore[arg-type]  # passed on

    life.store.record_follow_up = refuse  # type: ignore[method-assign, assignment]
    with capture_logs() as logs:
        async with noticing(life):
            await trio.sleep(60)
            assert await life.events() == ["video_1"]
    assert [line["event"] for line in logs].count("follow_ups_wait_for_store") == 3
