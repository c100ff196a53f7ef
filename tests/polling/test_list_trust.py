"""Lists earn trust: one that lags, is slow or limited makes no watch later than asking alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from notifier.http_client import HttpResponse
from notifier.model.event import EventType
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.polling.list_trust import Contradiction, compare_after, compare_before
from notifier.polling.page_planner import Mode
from tests.builders import snapshot
from tests.polling.listing import INTERVAL, Item, ListingGateway, watching

QUEUED, RUNNING, DONE = (
    snapshot(Status.QUEUED),
    snapshot(Status.IN_PROGRESS),
    snapshot(Status.COMPLETED),
)
UNKNOWN = snapshot(None, word="odd")


def at(progress: int | None) -> Snapshot:
    return snapshot(progress=progress)


@pytest.mark.parametrize(
    ("listed", "single", "after", "before"),
    [
        (QUEUED, QUEUED, "NONE", "NONE"),
        (RUNNING, QUEUED, "NONE", "NONE"),
        (QUEUED, RUNNING, "CLEAR", "WEAK"),
        (RUNNING, DONE, "CLEAR", "WEAK"),
        (QUEUED, DONE, "CLEAR", "CLEAR"),
        (DONE, RUNNING, "NONE", "NONE"),
        (UNKNOWN, DONE, "NONE", "NONE"),
        (QUEUED, UNKNOWN, "NONE", "NONE"),
        (at(40), at(40), "NONE", "NONE"),
        (at(39), at(40), "NONE", "NONE"),
        (at(30), at(35), "WEAK", "NONE"),
        (at(30), at(45), "WEAK", "SLIGHT"),
        (at(None), at(45), "NONE", "NONE"),
    ],
)
def test_when_a_page_contradicts_a_single_answer(
    listed: Snapshot, single: Snapshot, after: str, before: str
) -> None:
    assert compare_after(listed, single) is Contradiction[after]
    assert compare_before(listed, single) is Contradiction[before]


@dataclass
class MovingGateway(ListingGateway):
    """A gateway whose jobs are queued, run and complete, and whose list may not keep up.

    `jobs` have `begins` and `ends`. The list shows them `lag` seconds ago; or, if it `refreshes`,
    as they were when they were last retrieved. It takes `takes` seconds, or is `limited`.
    """

    lag: float = 0.0
    refreshes: bool = False
    takes: float = 0.0
    limited: bool = False
    progress: bool = True
    retrieved: dict[str, float] = field(default_factory=dict)

    def plan(self, spans: Mapping[str, tuple[float, float]]) -> None:
        for name, (begins, ends) in spans.items():
            self.jobs[name] = {"id": name, "begins": begins, "ends": ends}

    def _item(self, name: str, moment: float) -> Item:
        begins, ends = self.jobs[name]["begins"], self.jobs[name]["ends"]
        item: Item = {"id": name, "object": "video", "status": "queued"}
        if moment >= ends:
            return item | {"status": "completed"}
        if moment >= begins:
            item["status"] = "in_progress"
            if self.progress:
                item["progress"] = int(100 * (moment - begins) / (ends - begins))
        return item

    def _answer(self, name: str) -> Item:
        self.retrieved[name] = trio.current_time()
        return self._item(name, trio.current_time())

    def _listed(self, name: str) -> Item:
        if self.refreshes:
            return self._item(name, self.retrieved.get(name, float("-inf")))
        return self._item(name, trio.current_time() - self.lag)

    async def _before_page(self) -> HttpResponse | None:
        await trio.sleep(self.takes)
        return HttpResponse(429, {"retry-after": "30"}, b"{}") if self.limited else None


BEHAVIOURS: Mapping[str, Mapping[str, object]] = {
    "good": {},
    "stale for ever": {"lag": 1e9},
    "stale for ever, without progress": {"lag": 1e9, "progress": False},
    "15 s behind": {"lag": 15.0},
    "60 s behind, without progress": {"lag": 60.0, "progress": False},
    "refreshed by retrieving": {"refreshes": True},
    "refreshed by retrieving, without progress": {"refreshes": True, "progress": False},
    "slow": {"takes": 25.0},
    "never there": {"takes": 1e6},
    "limited": {"limited": True},
}


def lateness(
    behaviour: Mapping[str, object], spans: Mapping[str, tuple[float, float]], mode: Mode
) -> tuple[dict[str, float], list[str], int]:
    """Return how late each ending was seen, what was logged as an error, and the requests."""

    async def live() -> tuple[dict[str, float], list[str], int]:
        gateway = MovingGateway(**behaviour)  # type: ignore[arg-type]
        gateway.plan(spans)
        async with watching(gateway, list(spans), mode, starting=False) as watchers:
            last = max(ends for _, ends in spans.values())
            await trio.sleep(last + 400)
        assert {ending.type for ending in watchers.endings} == {EventType.COMPLETED}
        errors = [line["event"] for line in watchers.logs if line["log_level"] == "error"]
        late = {name: moment - spans[name][1] for name, moment in watchers.ended_at.items()}
        return late, errors, gateway.count()

    return trio.run(live, clock=MockClock(autojump_threshold=0))


def jobs(count: int) -> dict[str, tuple[float, float]]:
    return {
        f"video_{number}": (8.0 + 7 * number % 40, 70.0 + 23 * number % 170)
        for number in range(count)
    }


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("count", [3, 12])
def test_a_bad_list_makes_no_ending_later_by_more_than_one_poll_interval(
    behaviour: str, count: int
) -> None:
    alone, _, _ = lateness(BEHAVIOURS[behaviour], jobs(count), "never")
    late, _, _ = lateness(BEHAVIOURS[behaviour], jobs(count), "auto")
    assert late.keys() == alone.keys() == jobs(count).keys()
    worst = max(alone.values())
    assert max(late.values()) <= worst + INTERVAL
    assert sum(late.values()) / count <= sum(alone.values()) / count + INTERVAL / 2


@pytest.mark.parametrize(
    ("behaviour", "errors"),
    [
        ("good", []),
        ("slow", []),
        ("limited", []),
        ("stale for ever", ["list_not_trusted"]),
        ("15 s behind", ["list_not_trusted"]),
        ("refreshed by retrieving", ["list_not_trusted"]),
    ],
)
def test_a_list_that_lags_is_left_alone_and_the_log_says_so_once(
    behaviour: str, errors: list[str]
) -> None:
    _, logged, _ = lateness(BEHAVIOURS[behaviour], jobs(12), "auto")
    assert logged == errors


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 60), st.floats(20, 200)), min_size=3, max_size=10),
    st.sampled_from(sorted(BEHAVIOURS)),
)
def test_whatever_the_list_does_every_job_is_seen_to_complete_in_time(
    drawn: list[tuple[float, float]], behaviour: str
) -> None:
    spans = {f"v{n}": (begins, begins + takes) for n, (begins, takes) in enumerate(drawn)}
    late, _, _ = lateness(BEHAVIOURS[behaviour], spans, "auto")
    assert late.keys() == spans.keys()
    # 1.5 intervals are the longest gap of a new class, and one more is allowed
    assert max(late.values()) <= 2.5 * 1.2 * INTERVAL


async def test_no_watch_times_out_by_a_page_but_by_a_single_request_after_its_deadline(
    autojump_clock: MockClock,
) -> None:
    gateway = ListingGateway()
    gateway.add([f"video_{number}" for number in range(5)])
    async with watching(gateway, list(gateway.jobs), give_up_after=300) as watchers:
        await trio.sleep(299)
        assert watchers.endings == []
        for name in gateway.jobs:
            if name != "video_3":
                gateway.jobs[name]["status"] = "completed"
        gateway.spoil = lambda items: [{**item, "status": "in_progress"} for item in items]
        await trio.sleep(30)
    types = {ending.watch.key.video_id: ending.type for ending in watchers.endings}
    assert types.pop("video_3") is EventType.TIMED_OUT
    assert set(types.values()) == {EventType.COMPLETED}
    assert len(types) == 4
    assert {name for moment, name in gateway.asked if moment >= 300} >= {"video_3"}
