"""Putting an ending into the outbox: one event, rendered once, for whoever wants it."""

import json
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from notifier.delivery import Outbox, Subscription
from notifier.model.delivery import Format
from notifier.model.event import Ending, EventKind, EventType, FollowUp, NewEvent
from notifier.model.follow_up import FollowUpPlan
from notifier.model.job_sample import JobSample
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.model.watch import Watch, WatchKey, WatchSpec
from tests.builders import START, NothingFollows, snapshot

SUBSCRIPTIONS = [
    Subscription("app", Format.STANDARD, ("video.*",)),
    Subscription("alarms", Format.STANDARD, ("video.failed", "video.lost")),
    Subscription("chat", Format.SLACK, ("*",)),
]


class Recorder:
    """A store that keeps what it is given, unless the watch is not open."""

    def __init__(self, *, open_: bool = True) -> None:
        self.open = open_
        self.events: list[NewEvent] = []

    async def record_ending(
        self,
        watch: int,
        event: NewEvent,
        last: Snapshot,
        *,
        sample: JobSample | None = None,
        plan: FollowUpPlan,
    ) -> bool:
        if self.open:
            self.events.append(event)
        return self.open

    async def record_follow_up(self, watch: int, kind: EventKind, event: NewEvent) -> bool:
        if self.open:
            self.events.append(event)
        return self.open


def make_outbox(store: Recorder, woken: list[str]) -> Outbox:
    def wake(names: Sequence[str]) -> None:
        woken.extend(names)

    return Outbox(
        store,
        SUBSCRIPTIONS,
        content_url=lambda gateway, video: f"https://{gateway}/v1/videos/{video}/content",
        follow_ups=NothingFollows(),
        event_id=lambda *_: "evt_fixed",
        wall=lambda: START + 0.9,
        wake=wake,
    )


def ending(status: Status = Status.COMPLETED, endpoints: tuple[str, ...] | None = None) -> Ending:
    spec = WatchSpec(WatchKey("main", "video_1"), endpoints, {"user": "7"})
    last = snapshot(status, model="sora-2", extra={"url": "https://cdn.example/1"})
    return Ending(Watch(3, spec, START), EventType(f"video.{status}"), last, "a test")


async def publish(of: Ending) -> tuple[NewEvent, list[str]]:
    store, woken = Recorder(), list[str]()
    await make_outbox(store, woken).publish(of)
    (event,) = store.events
    return event, woken


@pytest.mark.parametrize(
    ("status", "endpoints", "chosen"),
    [
        (Status.COMPLETED, None, ["app", "chat"]),
        (Status.FAILED, None, ["app", "alarms", "chat"]),
        (Status.FAILED, ("alarms",), ["alarms"]),
        (Status.COMPLETED, ("alarms",), []),
    ],
)
async def test_an_event_goes_to_the_endpoints_that_want_it_and_that_the_watch_names(
    status: Status, endpoints: tuple[str, ...] | None, chosen: list[str]
) -> None:
    event, woken = await publish(ending(status, endpoints))
    assert [name for name, _ in event.endpoints] == woken == chosen


async def test_the_body_is_the_documented_envelope() -> None:
    event, _ = await publish(ending())
    body = json.loads(event.bodies[Format.STANDARD])
    assert list(body) == ["id", "object", "type", "created_at", "timestamp", "data", "watch"]
    assert body["id"] == event.id == "evt_fixed"
    assert body["created_at"] == event.created_at == int(START)
    assert body["data"]["url"] == "https://cdn.example/1"
    assert body["watch"] == {
        "gateway": "main",
        "metadata": {"user": "7"},
        "content_url": "https://main/v1/videos/video_1/content",
    }


async def test_only_a_completed_video_has_content() -> None:
    event, _ = await publish(ending(Status.FAILED))
    assert json.loads(event.bodies[Format.STANDARD])["watch"]["content_url"] is None


async def test_each_format_is_rendered_once_and_the_standard_one_always() -> None:
    event, _ = await publish(ending(Status.COMPLETED, ("chat",)))
    assert set(event.bodies) == {Format.STANDARD, Format.SLACK}
    assert "blocks" in json.loads(event.bodies[Format.SLACK])


async def test_an_event_without_endpoints_is_recorded_all_the_same() -> None:
    event, woken = await publish(ending(Status.COMPLETED, ("alarms",)))
    assert (event.type, woken) == ("video.completed", [])


async def test_a_watch_that_is_no_longer_open_wakes_no_lane_and_is_not_reported() -> None:
    store, woken = Recorder(open_=False), list[str]()
    with capture_logs() as logs:
        await make_outbox(store, woken).publish(ending())
    assert (woken, logs) == ([], [])


async def test_one_line_reports_the_event() -> None:
    with capture_logs() as logs:
        await publish(ending(Status.FAILED))
    (line,) = logs
    assert {
        "event": "event",
        "event_id": "evt_fixed",
        "type": "video.failed",
        "gateway": "main",
        "video_id": "video_1",
        "endpoints": ["app", "alarms", "chat"],
    }.items() <= line.items()


async def test_an_event_after_the_ending_goes_to_the_same_endpoints_with_the_content_url() -> None:
    store, woken = Recorder(), list[str]()
    of = ending(Status.COMPLETED)
    follow_up = FollowUp(of.watch, EventKind.EXPIRING, of.snapshot)
    await make_outbox(store, woken).publish_follow_up(follow_up)
    (event,) = store.events
    assert event.type is EventType.EXPIRING
    assert [name for name, _ in event.endpoints] == woken == ["app", "chat"]
    watch = json.loads(event.bodies[Format.STANDARD])["watch"]
    assert watch["content_url"] == "https://main/v1/videos/video_1/content"
    assert "archive" not in watch


async def test_an_event_after_the_ending_that_is_there_already_is_not_reported() -> None:
    store, woken = Recorder(open_=False), list[str]()
    of = ending(Status.COMPLETED)
    with capture_logs() as logs:
        follow_up = FollowUp(of.watch, EventKind.EXPIRING, of.snapshot)
        await make_outbox(store, woken).publish_follow_up(follow_up)
    assert (woken, logs) == ([], [])
