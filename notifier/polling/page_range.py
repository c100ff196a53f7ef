"""A range of a gateway's list that one page shows, and the request for that page.

A page is named by its anchor, the id after which it begins (`after`). However many new jobs come
in at the head of the list, the page after an anchor shows the same videos.
"""

from collections.abc import Iterable

from notifier.polling.poll_slot import PollSlot

_MOST_SIGHTINGS = 20_000


class PageRange:
    """The page after an anchor: the videos last seen there, and its request in flight, if any.

    `moved` says that the range got another anchor and has not been seen since.
    """

    __slots__ = ("after", "moved", "request", "slots")

    def __init__(self, after: str | None) -> None:
        self.after = after
        self.slots: dict[PollSlot, None] = {}
        self.request: PageRequest | None = None
        self.moved = False


class PageRequest:
    """A page to ask for, and the slots that it is `expected` to answer.

    `page_range` is None when no watched video was seen on that page yet. `new` counts the videos
    on the page that had no range before. `unexpected` says that it was not the page asked for,
    `released` that no slot waits for it any more.
    """

    __slots__ = ("after", "expected", "limit", "new", "page_range", "released", "unexpected")

    def __init__(self, limit: int, page_range: PageRange | None, after: str | None) -> None:
        self.limit = limit
        self.page_range = page_range
        self.after = after
        self.expected: dict[PollSlot, None] = {}
        self.new = 0
        self.unexpected = self.released = False


class PageSightings:
    """The pages on which videos were seen before they were watched: anchors, the latest 20,000."""

    def __init__(self) -> None:
        self._anchors: dict[str, str] = {}

    def add(self, video_ids: Iterable[str], after: str) -> None:
        """Record the ids on the page that follows `after`."""
        for video_id in video_ids:
            self._anchors.setdefault(video_id, after)
        while len(self._anchors) > _MOST_SIGHTINGS:
            del self._anchors[next(iter(self._anchors))]

    def take(self, video_id: str) -> str | None:
        """Return the anchor of the page where a video was seen, and forget it."""
        return self._anchors.pop(video_id, None)
