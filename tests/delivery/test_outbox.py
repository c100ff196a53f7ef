"""Putting an ending into the outbox: one event, rendered once, for whoever wants it."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from notifier.delivery import Outbox, Subscription
from notifier.delivery.outbox import FollowUps
from notifier.errors import StoreError
from notifier.model.delivery import Claim, Format, RecordedEnding
from notifier.model.event import Ending, EventKind, EventType, FollowUp, NewEvent, NotRecorded
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.job_sample import JobClass, JobSample
from notifier.model.lease import Fence
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.model.watch import Watch, WatchKey, WatchSpec
from tests.builders import START, NothingFollows, snapshot

SUBSCRIPTIONS = [
    Subscription("app", Format.STANDARD, ("video.*",)),
    Subscription("alarms", Format.STANDARD, ("video.failed", "video.lost")),
    Subscription("chat", Format.SLACK, ("*",)),
]


class Lanes:
    """Lanes of which those in `ready` can take a new delivery."""

    def __init__(self, *ready: str) -> None:
        self.ready = ready
        self.woken: list[str] = []
        self.handed: list[Mapping[str, Claim]] = []

    def wake(self, endpoints: Sequence[str]) -> None:
        self.woken += endpoints

    def reserve(self, endpoints: Iterable[str]) -> "Reserved":
        return Reserved(self, [name for name in endpoints if name in self.ready])


class Reserved:
    """Room in some lanes."""

    def __init__(self, lanes: Lanes, endpoints: Sequence[str]) -> None:
        self.lanes = lanes
        self.endpoints = endpoints

    def hand(self, claims: Mapping[str, Claim]) -> None:
        self.lanes.handed.append(claims)


class Recorder:
    """A store that keeps what it is given, unless the watch is not open.

    It claims nothing for endpoints in `disabled`.
    """

    def __init__(self, refusal: NotRecorded | None = None, disabled: Collection[str] = ()) -> None:
        self.refusal = refusal
        self.disabled = disabled
        self.broken = False
        self.callback: str | None = None
        self.events: list[NewEvent] = []
        self.endings: list[tuple[int, Snapshot, JobSample | None, FollowUpPlan]] = []
        self.follow_ups: list[tuple[int, EventKind]] = []
        self.fences: list[Fence | None] = []

    async def record_ending(
        self,
        watch: int,
        event: NewEvent,
        last: Snapshot,
        *,
        sample: JobSample | None = None,
        plan: FollowUpPlan,
        claimed: Collection[str],
        fence: Fence | None,
    ) -> RecordedEnding | NotRecorded:
        if self.broken:
            raise StoreError("the disk is full")
        self.endings.append((watch, last, sample, plan))
        self.fences.append(fence)
        if self.refusal is not None:
            return self.refusal
        self.events.append(event)
        names = [name for name in claimed if name not in self.disabled]
        return RecordedEnding(START, {name: len(name) for name in names}, self.callback)

    async def record_follow_up(self, watch: int, kind: EventKind, event: NewEvent) -> bool:
        self.follow_ups.append((watch, kind))
        if self.refusal is None:
            self.events.append(event)
        return self.refusal is None


def make_outbox(
    store: Recorder,
    lanes: Lanes,
    event_id: Callable[[Watch, EventKind], str] = lambda *_: "evt_fixed",
    follow_ups: FollowUps | None = None,
) -> Outbox:
    return Outbox(
        store,
        SUBSCRIPTIONS,
        content_url=lambda gateway, video: f"https://{gateway}/v1/videos/{video}/content",
        follow_ups=follow_ups or NothingFollows(),
        event_id=event_id,
        wall=lambda: START + 0.9,
        lanes=lanes,
    )


def ending(status: Status = Status.COMPLETED, endpoints: tuple[str, ...] | None = None) -> Ending:
    spec = WatchSpec(WatchKey("main", "video_1"), endpoints, {"user": "7"})
    last = snapshot(status, model="sora-2", extra={"url": "https://cdn.example/1"})
    return Ending(Watch(3, spec, START), EventType(f"video.{status}"), last, "a test")


async def publish(of: Ending) -> tuple[NewEvent, list[str]]:
    store, lanes = Recorder(), Lanes()
    await make_outbox(store, lanes).publish(of)
    (event,) = store.events
    return event, lanes.woken


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
    store, lanes = Recorder(NotRecorded.OVER), Lanes()
    with capture_logs() as logs:
        await make_outbox(store, lanes).publish(ending())
    assert (lanes.woken, logs) == ([], [])


async def test_a_lane_that_is_ready_gets_its_delivery_and_the_others_are_woken() -> None:
    store, lanes = Recorder(disabled=["chat"]), Lanes("app", "chat")
    store.callback = "app@callback"
    await make_outbox(store, lanes).publish(ending(Status.FAILED))

    (event,) = store.events
    subject = {"gateway": "main", "video_id": "video_1"}
    body = event.bodies[Format.STANDARD]
    claim = Claim(3, "app", event.id, "video.failed", subject, body, START, 1, 0)
    assert lanes.handed == [{"app": claim}]
    assert lanes.woken == ["alarms", "chat", "app@callback"]


async def test_lanes_get_their_room_back_when_an_ending_cannot_be_recorded() -> None:
    store, lanes = Recorder(), Lanes("app")
    store.broken = True
    with pytest.raises(StoreError):
        await make_outbox(store, lanes).publish(ending())
    store.broken, store.refusal = False, NotRecorded.OVER
    await make_outbox(store, lanes).publish(ending())
    assert (lanes.handed, lanes.woken) == ([{}, {}], [])


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
        "reason": "a test",
        "log_level": "info",
    }.items() <= line.items()


async def test_an_event_that_no_endpoint_gets_is_a_warning() -> None:
    with capture_logs() as logs:
        await publish(ending(Status.COMPLETED, ("alarms",)))
    assert [line["log_level"] for line in logs] == ["warning"]


async def test_the_watch_its_last_snapshot_and_the_job_sample_are_recorded_with_the_event() -> (
    None
):
    store = Recorder()
    sample = JobSample(JobClass("main", "sora-2"), 90.0)
    over = replace(ending(), sample=sample)
    await make_outbox(store, Lanes()).publish(over)
    assert store.endings == [(over.watch.row, over.snapshot, sample, NO_FOLLOW_UP)]


class Archives:
    """Plans a copy of every video, and keeps what it was asked and the gateways it woke."""

    def __init__(self) -> None:
        self.asked: list[Ending] = []
        self.woken: list[str] = []

    def plan(self, over: Ending) -> FollowUpPlan:
        self.asked.append(over)
        return FollowUpPlan(archive=True)

    def wake(self, gateway: str) -> None:
        self.woken.append(gateway)


async def test_what_follows_is_recorded_with_the_ending_and_then_begins() -> None:
    store, archives, over = Recorder(), Archives(), ending()
    await make_outbox(store, Lanes(), follow_ups=archives).publish(over)
    assert archives.asked == [over]
    assert [plan for *_, plan in store.endings] == [FollowUpPlan(archive=True)]
    assert archives.woken == ["main"]


async def test_nothing_follows_an_ending_that_was_not_recorded() -> None:
    archives = Archives()
    await make_outbox(Recorder(NotRecorded.OVER), Lanes(), follow_ups=archives).publish(ending())
    assert archives.woken == []


async def test_an_event_id_is_made_of_the_watch_and_the_kind_of_event() -> None:
    asked: list[tuple[Watch, EventKind]] = []

    def event_id(watch: Watch, kind: EventKind) -> str:
        asked.append((watch, kind))
        return "evt_fixed"

    over = ending()
    await make_outbox(Recorder(), Lanes(), event_id).publish(over)
    assert asked == [(over.watch, EventKind.ENDING)]


async def test_an_event_after_the_ending_says_what_became_of_the_copy() -> None:
    asked: list[tuple[Watch, EventKind]] = []

    def event_id(watch: Watch, kind: EventKind) -> str:
        asked.append((watch, kind))
        return "evt_copy"

    store, of = Recorder(), ending()
    copy = FollowUp(of.watch, EventKind.ARCHIVED, of.snapshot, {"bytes": 7})
    await make_outbox(store, Lanes(), event_id).publish_follow_up(copy)
    (event,) = store.events
    assert json.loads(event.bodies[Format.STANDARD])["watch"]["archive"] == {"bytes": 7}
    assert store.follow_ups == [(of.watch.row, EventKind.ARCHIVED)]
    assert asked == [(of.watch, EventKind.ARCHIVED)]


async def test_an_event_after_the_ending_goes_to_the_same_endpoints_with_the_content_url() -> None:
    store, lanes = Recorder(), Lanes()
    of = ending(Status.COMPLETED)
    follow_up = FollowUp(of.watch, EventKind.EXPIRING, of.snapshot)
    await make_outbox(store, lanes).publish_follow_up(follow_up)
    (event,) = store.events
    assert event.type is EventType.EXPIRING
    assert [name for name, _ in event.endpoints] == lanes.woken == ["app", "chat"]
    watch = json.loads(event.bodies[Format.STANDARD])["watch"]
    assert watch["content_url"] == "https://main/v1/videos/video_1/content"
    assert "archive" not in watch


async def test_an_event_after_the_ending_that_is_there_already_is_not_reported() -> None:
    store, lanes = Recorder(NotRecorded.OVER), Lanes()
    of = ending(Status.COMPLETED)
    with capture_logs() as logs:
        follow_up = FollowUp(of.watch, EventKind.EXPIRING, of.snapshot)
        await make_outbox(store, lanes).publish_follow_up(follow_up)
    assert (lanes.woken, logs) == ([], [])


async def test_an_ending_of_a_watch_that_another_instance_polls_now_wakes_nobody() -> None:
    store, lanes = Recorder(NotRecorded.FENCED), Lanes("app")
    of = ending()
    of = replace(of, watch=replace(of.watch, fence=Fence("watch:main:0", "me", 3)))
    with capture_logs() as logs:
        await make_outbox(store, lanes).publish(of)
    assert store.fences == [of.watch.fence]
    assert (lanes.woken, lanes.handed) == ([], [{}])
    assert [line["event"] for line in logs] == ["fenced"]
