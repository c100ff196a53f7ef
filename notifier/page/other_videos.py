"""The open videos that other instances poll, as far as the store knows of them.

Their pollers are in other processes, which store what they observe every few seconds.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from notifier.errors import UnknownError
from notifier.model.views import Row, WatchView
from notifier.model.watch import WatchKey, WatchState
from notifier.polling.open_videos import VideoChanges
from notifier.store.queries import WatchFilter

MOST = 100
"""Of how many of the oldest open videos changes are noticed, and how many a look asks about."""

_SHOWN = ("gateway", "video_id", "status", "progress", "taken_at", "last_asked_at", "last_outcome")


class Watches(Protocol):
    """Reads watches; the control API's operations do."""

    async def watches(self, wanted: WatchFilter) -> list[WatchView]:
        """Return watches, oldest first; raises StoreError."""

    async def watch(self, key: WatchKey) -> WatchView:
        """Return one watch; raises UnknownError, StoreError."""


class Polled(Protocol):
    """What is known of the videos that are polled here."""

    def rows(self, keys: Collection[WatchKey]) -> Mapping[WatchKey, Row]:
        """Return what is known of those of the videos that are polled."""


class OtherVideos:
    """Completes the changes of the videos that are `polled` here by those of the others."""

    def __init__(self, watches: Watches, polled: Polled) -> None:
        self._watches = watches
        self._polled = polled
        self._seen: Mapping[WatchKey, Row] = {}
        self._left: dict[WatchKey, None] = {}

    async def begin(self) -> None:
        """Take what is stored now as seen; raises StoreError."""
        self._left.clear()
        self._seen = await self._read()

    async def completed(self, own: VideoChanges) -> VideoChanges:
        """Return the changes of all videos; raises StoreError.

        What is not polled here any more is closed only if it is not open: another instance may
        have taken it over.
        """
        found = await self._read()
        changed = [row for key, row in found.items() if self._seen.get(key) != row]
        self._left |= dict.fromkeys([*own.closed, *(self._seen.keys() - found.keys())])
        self._seen = found
        asked = list(self._left)[:MOST]
        closed = [key for key in asked if not await self._is_open(key)]
        for key in asked:
            del self._left[key]
        return VideoChanges([*own.changed, *changed], closed)

    async def _read(self) -> Mapping[WatchKey, Row]:
        views = await self._watches.watches(WatchFilter(state="open", limit=MOST))
        polled = self._polled.rows({view.watch.key for view in views})
        return {view.watch.key: _row(view) for view in views if view.watch.key not in polled}

    async def _is_open(self, key: WatchKey) -> bool:
        try:
            return (await self._watches.watch(key)).watch.state is WatchState.OPEN
        except UnknownError:
            return False


def _row(view: WatchView) -> Row:
    row = view.as_row()
    return {**{name: row[name] for name in _SHOWN}, "expected_at": None, "gives_up_at": None}
