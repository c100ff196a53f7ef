"""The page of one instance shows the videos that others poll, too."""

from collections.abc import Collection, Mapping

import pytest

from notifier.errors import UnknownError
from notifier.model.status import Status
from notifier.model.views import Row, WatchView
from notifier.model.watch import Watch, WatchKey, WatchState
from notifier.page.other_videos import MOST, OtherVideos
from notifier.polling.open_videos import VideoChanges
from notifier.store.queries import WatchFilter
from tests.builders import START, snapshot, spec


class Fakes:
    """A store with watches, and pollers of some of them."""

    def __init__(self) -> None:
        self.stored: dict[WatchKey, WatchView] = {}
        self.polled: set[WatchKey] = set()
        self.asked = 0

    def put(self, video_id: str, progress: int, state: WatchState = WatchState.OPEN) -> WatchKey:
        known = snapshot(Status.IN_PROGRESS, video_id, progress=progress)
        watch = Watch(1, spec(video_id), START, state, known)
        self.stored[watch.key] = WatchView(watch, None, None, {})
        return watch.key

    def rows(self, keys: Collection[WatchKey]) -> Mapping[WatchKey, Row]:
        return {key: {} for key in keys if key in self.polled}

    async def watches(self, wanted: WatchFilter) -> list[WatchView]:
        views = [v for v in self.stored.values() if v.watch.state is WatchState.OPEN]
        return views[: wanted.limit]

    async def watch(self, key: WatchKey) -> WatchView:
        self.asked += 1
        if key not in self.stored:
            raise UnknownError("not watched")
        return self.stored[key]


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


async def begun(fakes: Fakes) -> OtherVideos:
    others = OtherVideos(fakes, fakes)
    await others.begin()
    return others


async def test_progress_that_another_instance_stored_is_a_change(fakes: Fakes) -> None:
    fakes.put("theirs", 10)
    others = await begun(fakes)
    assert (await others.completed(VideoChanges())).changed == []
    fakes.put("theirs", 20)
    (row,) = (await others.completed(VideoChanges())).changed
    assert (row["video_id"], row["progress"], row["last_asked_at"]) == ("theirs", 20, None)


async def test_what_is_polled_here_is_told_by_its_poller_alone(fakes: Fakes) -> None:
    fakes.polled.add(fakes.put("own", 10))
    others = await begun(fakes)
    fakes.put("own", 20)
    own = VideoChanges(changed=[{"video_id": "own"}])
    assert (await others.completed(own)).changed == [{"video_id": "own"}]


async def test_a_video_that_another_instance_took_over_is_not_closed(fakes: Fakes) -> None:
    key = fakes.put("moves", 10)
    fakes.polled.add(key)
    others = await begun(fakes)
    fakes.polled.clear()
    assert (await others.completed(VideoChanges(closed=[key]))).closed == []


@pytest.mark.parametrize("state", [WatchState.ENDED, WatchState.WITHDRAWN])
async def test_a_video_that_another_instance_polled_to_its_end_is_closed_once(
    fakes: Fakes, state: WatchState
) -> None:
    key = fakes.put("theirs", 10)
    others = await begun(fakes)
    fakes.put("theirs", 100, state)
    assert (await others.completed(VideoChanges())).closed == [key]
    assert (await others.completed(VideoChanges())).closed == []


async def test_when_many_videos_move_at_once_a_look_asks_about_some_of_them(fakes: Fakes) -> None:
    others = await begun(fakes)
    keys = [WatchKey("main", f"gone-{number}") for number in range(MOST + 20)]
    first = await others.completed(VideoChanges(closed=keys))
    assert fakes.asked == MOST
    rest = await others.completed(VideoChanges())
    assert [*first.closed, *rest.closed] == keys
