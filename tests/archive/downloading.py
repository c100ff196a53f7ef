"""Downloads with a real store, outbox and folder, in virtual time, before contents of a test."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import trio

from notifier.archive import (
    ArchiveFolder,
    Copier,
    DownloadDeps,
    Downloads,
    Quota,
    Storage,
    described,
)
from notifier.errors import TransportError
from notifier.gateway import Content, ContentError, Part
from notifier.http_client import StreamedResponse
from notifier.metrics import Metrics
from notifier.model.event import Ending
from notifier.model.follow_up import FollowUpPlan, expiry
from notifier.store.queries import EventFilter
from tests.archive.contents import content_of
from tests.archive.gateways import Life
from tests.builders import rng

PIECE = 8 * 1024


async def inline(function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 - passed on
    """Run blocking work at once: time does not pass while a thread is waited for."""
    await trio.lowlevel.checkpoint()
    return function(*args)


@dataclass
class Reply:
    """A body that breaks off after `end` bytes, if that is not all of it."""

    data: bytes
    end: int
    pause: float
    at: int = 0

    async def read(self) -> bytes:
        await trio.sleep(self.pause)
        if self.at >= self.end:
            if self.end < len(self.data):
                raise TransportError("reset", "the answer was cut short")
            return b""
        piece = self.data[self.at : min(self.at + PIECE, self.end)]
        self.at += len(piece)
        return piece


@dataclass
class Source:
    """Contents of `size` bytes; `refusals` come first, `cuts` are where the next answers end."""

    size: int = 100_000
    etag: str | None = '"1"'
    content_type: str = "video/mp4"
    has_length: bool = True
    pause: float = 0.0
    refusals: dict[str, list[ContentError]] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    opened: list[tuple[str, Part | None]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    def whole(self, video_id: str) -> bytes:
        return content_of(video_id, self.size)

    @asynccontextmanager
    async def open(self, video_id: str, part: Part | None, longest: int) -> AsyncIterator[Content]:
        self.opened.append((video_id, part))
        refusals = self.refusals.get(video_id)
        if refusals:
            raise refusals[0] if len(refusals) == 1 else refusals.pop(0)
        data = self.whole(video_id)
        offset = part.length if part is not None and part.etag == self.etag else 0
        cuts = self.cuts.get(video_id)
        end = cuts.pop(0) if cuts else len(data)
        reply = cast("StreamedResponse", Reply(data, end, self.pause, offset))
        total = len(data) if self.has_length else None
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield Content(reply, offset, total, self.content_type, self.etag, 30.0)
        finally:
            self.in_flight -= 1


@dataclass
class Archiving(Life):
    """A life of the daemon whose endings are followed by downloads into `folder`."""

    folder: Path = Path()
    source: Source = field(default_factory=Source)
    max_bytes: int = 10**6
    max_total_bytes: int = 10**8

    def plan(self, ending: Ending) -> FollowUpPlan:
        wall, now = self.clock.wall(), self.clock.now()
        return FollowUpPlan(expiry(ending.snapshot, wall, now), archive=True)

    def wake(self, gateway: str) -> None:
        self.downloads.wake()

    def __post_init__(self) -> None:
        super().__post_init__()
        quota = Quota(self.max_total_bytes)
        self.storage = Storage(ArchiveFolder(self.folder), quota, self.max_bytes, inline)
        self.downloads = Downloads(
            "main",
            Copier(self.source, self.storage, self.store),
            DownloadDeps(
                self.store, self.outbox.publish_follow_up, self.clock.now, rng(), Metrics()
            ),
            rate=100,
            describe=partial(described, url_prefix=None),
        )

    async def archive_of(self, video_id: str) -> tuple[str, dict[str, Any]]:
        """Return type and `watch.archive` of the one event about the copy of a video."""
        wanted = EventFilter(type="video.archive*", video_id=video_id)
        (found,) = await self.store.events(wanted)
        event = await self.store.event(found.id)
        assert event is not None
        return event.body["type"], event.body["watch"]["archive"]

    def copy(self, video_id: str, ending: str = "mp4") -> Path:
        return self.folder / "main" / f"{video_id}.{ending}"

    def parts(self) -> list[Path]:
        return sorted(self.folder.glob("*/.*"))


@asynccontextmanager
async def downloading(life: Archiving) -> AsyncIterator[Downloads]:
    """Run the downloads for as long as the block lasts."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.downloads.run)
        yield life.downloads
        nursery.cancel_scope.cancel()
