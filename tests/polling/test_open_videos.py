"""What has changed about the open videos since the last look."""

from dataclasses import dataclass, field
from typing import Any, cast

from notifier.model.condition import LastPoll
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.model.watch import WatchKey
from notifier.polling.open_videos import CLOSELY, MOST_CHANGED, OpenVideos


@dataclass
class FakeWatch:
    key: WatchKey
    taken_at: float = 1.0


@dataclass
class FakePoller:
    """What `OpenVideos` reads of a poller."""

    number: int
    known: Snapshot | None = None
    last_error: str = ""
    asked_at: float = 0.0
    deadline: float = 99.0
    expected_end: float | None = None
    watch: FakeWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = FakeWatch(WatchKey("main", f"v{self.number}"))

    def progress(self, percent: int) -> None:
        self.known = Snapshot("v", Status.IN_PROGRESS, "in_progress", progress=percent)


def videos_of(count: int) -> tuple[dict[int, FakePoller], OpenVideos]:
    pollers = {number: FakePoller(number) for number in range(count)}
    videos = OpenVideos(cast("Any", pollers), lambda _: LastPoll(7.0, "seen"))
    videos.begin()
    return pollers, videos


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["video_id"] for row in rows]


def test_nothing_has_changed_when_nothing_did() -> None:
    _, videos = videos_of(10)
    assert videos.look().changed == []
    assert videos.look().closed == []


def test_progress_a_status_and_an_error_are_changes_once() -> None:
    pollers, videos = videos_of(10)
    pollers[3].progress(40)
    pollers[5].last_error = "no answer"
    found = videos.look().changed
    assert ids(found) == ["v3", "v5"]
    assert (found[0]["status"], found[0]["progress"], found[0]["gives_up_at"]) == (
        "in_progress",
        40,
        99,
    )
    assert videos.look().changed == []


def test_new_videos_come_and_closed_ones_go() -> None:
    pollers, videos = videos_of(2)
    del pollers[0]
    pollers[7] = FakePoller(7)
    found = videos.look()
    assert ids(found.changed) == ["v7"]
    assert found.closed == [WatchKey("main", "v0")]


def test_an_answer_that_changes_nothing_is_told_of_the_oldest_videos_alone() -> None:
    pollers, videos = videos_of(CLOSELY + 50)
    for poller in pollers.values():
        poller.asked_at = 5.0
    assert ids(videos.look().changed) == [f"v{number}" for number in range(CLOSELY)]


def test_one_look_is_bounded_and_the_next_ones_bring_the_rest() -> None:
    pollers, videos = videos_of(3 * MOST_CHANGED)
    for poller in pollers.values():
        poller.progress(50)
    seen: list[str] = []
    for _ in range(3):
        found = videos.look().changed
        assert len(found) == MOST_CHANGED
        seen += ids(found)
    assert len(set(seen)) == 3 * MOST_CHANGED
    assert videos.look().changed == []


def test_rows_are_those_that_are_asked_for() -> None:
    _, videos = videos_of(5)
    keys = {WatchKey("main", "v2"), WatchKey("main", "unknown")}
    assert [row["video_id"] for row in videos.rows(keys).values()] == ["v2"]
