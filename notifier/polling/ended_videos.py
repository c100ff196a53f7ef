"""The latest videos that have ended by a single answer, to compare list pages with."""

from collections import OrderedDict

from notifier.gateway import Page
from notifier.polling.list_trust import Contradiction, compare_with_end

_MOST = 100


class EndedVideos:
    """The latest 100 of one gateway; moments are `Clock.now`."""

    def __init__(self) -> None:
        self._ended: OrderedDict[str, float] = OrderedDict()

    def add(self, video_id: str, now: float) -> None:
        """Record that a video was seen to have ended."""
        self._ended[video_id] = now
        while len(self._ended) > _MOST:
            self._ended.popitem(last=False)

    def compare(self, page: Page, at: float) -> list[tuple[Contradiction, str]]:
        """Compare a page that was asked for `at` a time with the ends from before, by video."""
        return [
            (compare_with_end(listed.snapshot), video_id)
            for video_id, ended_at in self._ended.items()
            if ended_at <= at and (listed := page.answer(video_id)) is not None
        ]
