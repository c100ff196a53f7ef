"""What the pollers know of the open videos now, and what has changed since the last look.

A look compares every open video with what it was at the look before. That costs less than a
microsecond for each, and polling itself does nothing for it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice

from notifier.model.condition import LastPoll
from notifier.model.views import Row
from notifier.model.watch import WatchKey
from notifier.polling.poller import Poller

MOST_CHANGED = 500
"""How many changed videos one look returns at most; the others come with the next looks."""

CLOSELY = 100
"""Of so many videos, the oldest, an answer that changes nothing is a change too."""

_Mark = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class VideoChanges:
    """The rows of videos that are new or changed, and the keys of those that are not open now."""

    changed: list[Row] = field(default_factory=list)
    closed: list[WatchKey] = field(default_factory=list)


class OpenVideos:
    """The videos of `pollers`; `last_poll` returns when a video was last asked about."""

    def __init__(
        self,
        pollers: Mapping[int, Poller],
        last_poll: Callable[[WatchKey], LastPoll | None],
    ) -> None:
        self._pollers = pollers
        self._last_poll = last_poll
        self._seen: dict[int, tuple[WatchKey, _Mark]] = {}

    def rows(self, keys: Collection[WatchKey]) -> dict[WatchKey, Row]:
        """Return what is known of those of the videos that are polled."""
        return {
            poller.watch.key: self._row(poller)
            for poller in self._pollers.values()
            if poller.watch.key in keys
        }

    def begin(self) -> None:
        """Take what is known now as seen."""
        self._seen = {}
        for row, poller in self._pollers.items():
            self._seen[row] = poller.watch.key, _mark(poller, closely=len(self._seen) < CLOSELY)

    def look(self) -> VideoChanges:
        """Return what has changed since the last look."""
        seen, found = self._seen, VideoChanges()
        for row in [row for row in seen if row not in self._pollers]:
            found.closed.append(seen.pop(row)[0])
        changed = (
            (row, poller, mark)
            for number, (row, poller) in enumerate(self._pollers.items())
            if (mark := _mark(poller, closely=number < CLOSELY)) != seen.get(row, (None, None))[1]
        )
        for row, poller, mark in islice(changed, MOST_CHANGED):
            seen[row] = poller.watch.key, mark
            found.changed.append(self._row(poller))
        return found

    def _row(self, poller: Poller) -> Row:
        watch, known = poller.watch, poller.known
        last = self._last_poll(watch.key)
        return {
            "gateway": watch.key.gateway,
            "video_id": watch.key.video_id,
            "status": None if known is None else (known.status or known.word),
            "progress": None if known is None else known.progress,
            "taken_at": round(watch.taken_at, 3),
            "last_asked_at": None if last is None else round(last.at, 3),
            "last_outcome": None if last is None else last.outcome,
            "expected_at": None if poller.expected_end is None else round(poller.expected_end),
            "gives_up_at": round(poller.deadline),
        }


def _mark(poller: Poller, *, closely: bool) -> _Mark:
    known = poller.known
    shown = (None, None) if known is None else (known.word, known.progress)
    return (*shown, poller.last_error, poller.asked_at if closely else None)
