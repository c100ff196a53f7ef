"""What has changed since the last look: videos, events, gateways and endpoints, as rows of JSON.

It is computed once, whatever the number of those who are shown it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from notifier.control.operations import Operations
from notifier.model.views import Row
from notifier.model.watch import WatchKey
from notifier.page.activity import Activity
from notifier.page.other_videos import OtherVideos
from notifier.polling.open_videos import VideoChanges
from notifier.store.following import ChangedEvents
from notifier.store.tailing import TailPosition


class Videos(Protocol):
    """What is known of open videos; `OpenVideos` has it."""

    def rows(self, keys: Collection[WatchKey]) -> Mapping[WatchKey, Row]:
        """Return what is known of those of the videos that are polled."""

    def begin(self) -> None:
        """Take what is known now as seen."""

    def look(self) -> VideoChanges:
        """Return what has changed since the last look."""


class EventLog(Protocol):
    """What the store tells about events."""

    async def end(self) -> TailPosition:
        """Return the position after everything that there is; raises StoreError."""

    async def changed_events(self, since: TailPosition) -> ChangedEvents:
        """Return the events that changed after `since`; raises StoreError."""


@dataclass(slots=True)
class Changes:
    """Compares what there is with what there was at the last look.

    `others` has the videos of other instances; None where this daemon has the store alone.
    """

    operations: Operations
    videos: Videos
    events: EventLog
    activity: Activity
    others: OtherVideos | None = None
    _position: TailPosition = field(default_factory=TailPosition)
    _peers: Mapping[tuple[str, str], Row] = field(default_factory=dict)

    async def begin(self) -> None:
        """Take everything that there is now as seen; raises StoreError."""
        self._position = await self.events.end()
        self._peers = _by_name(await self.status())
        self.videos.begin()
        if self.others is not None:
            await self.others.begin()

    async def look(self) -> Row:
        """Return what is new or changed, without empty parts; raises StoreError."""
        news = await self.events.changed_events(self._position)
        status = await self.status()
        videos = self.videos.look()
        if self.others is not None:
            videos = await self.others.completed(videos)
        peers = _by_name(status)
        changed = [key for key, row in peers.items() if self._peers.get(key) != row]
        self._position, self._peers = news.position, peers
        found: Row = {
            "videos": videos.changed,
            "closed": [list(key) for key in videos.closed],
            "events": [each.as_row() for each in news.events],
            "gateways": [peers[key] for key in changed if key[0] == "gateways"],
            "endpoints": [peers[key] for key in changed if key[0] == "endpoints"],
        }
        found = {name: rows for name, rows in found.items() if rows}
        return {**found, "watches": status["watches"]} if found else {}

    async def status(self) -> Row:
        """Return the daemon's status, with the activity of gateways and endpoints."""
        status = await self.operations.status()
        for kind, name in (("gateways", "gateway"), ("endpoints", "endpoint")):
            rows = status[kind]
            status[kind] = [
                {**row, "activity": self.activity.row(f"{name}:{row['name']}")} for row in rows
            ]
        return status


def _by_name(status: Row) -> dict[tuple[str, str], Row]:
    return {(kind, row["name"]): row for kind in ("gateways", "endpoints") for row in status[kind]}
