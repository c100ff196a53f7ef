"""Makes one attempt to copy a video: opens its content, writes it aside, and puts it into place.

Memory is bounded: a piece is written before the next one is kept. What is surely on the disk is
recorded with the content's ETag now and then, so that a later attempt, also of a later process,
can continue there. Before a whole copy is renamed into place, its hash is recorded: a process that
is killed in between leaves what the next one recognises.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from notifier.archive import file_names
from notifier.archive.folder import hash_beginning, size_of
from notifier.archive.part_file import PartFile
from notifier.archive.storage import Storage
from notifier.gateway import Content, ContentError, Part
from notifier.model.follow_up import ArchivedFile, Download

SYNC_EVERY = 16 * 1024 * 1024
"""After so many bytes they are synced and recorded."""

_PIECE = 1024 * 1024


class CopyError(Exception):
    """A copy that was not made, and why; `is_final` says that another attempt is of no use.

    `wait` is what the gateway asked for, in seconds.
    """

    def __init__(self, reason: str, *, wait: float | None = None, is_final: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.is_final = is_final


class ContentSource(Protocol):
    """Opens contents of one gateway (`notifier.gateway.ContentClient`)."""

    def open(
        self, video_id: str, part: Part | None, longest: int
    ) -> AbstractAsyncContextManager[Content]:
        """Open a video's content, at the end of `part` if it can be continued."""


class ProgressStore(Protocol):
    """What a copy needs of the store; every method raises StoreError."""

    async def record_progress(self, watch: int, etag: str | None, synced: int) -> None:
        """Commit how much of which content is on the disk."""

    async def record_fetched(self, watch: int, file: ArchivedFile | None) -> None:
        """Commit that all of a content is on the disk and where it goes; None if it is not."""


@dataclass(slots=True)
class Progress:
    """How far a copy is: so many bytes of `total`, which is None if it is not known."""

    video_id: str
    bytes: int
    total: int | None


class Copier:
    """Copies videos of one gateway; `progress` has the copies that are being made, by watch."""

    def __init__(self, source: ContentSource, storage: Storage, store: ProgressStore) -> None:
        self._source = source
        self._storage = storage
        self._store = store
        self.progress: dict[int, Progress] = {}

    async def copy(self, download: Download) -> ArchivedFile:
        """Return the copy once it is in place; raises CopyError and StoreError."""
        try:
            return await self._copy(download)
        except OSError as error:
            await self.discard(download)
            raise CopyError(f"the archive cannot be written: {error.strerror}") from None
        finally:
            self.progress.pop(download.watch.row, None)

    async def discard(self, download: Download) -> None:
        """Remove what is there of a copy."""
        with suppress(OSError):  # the next attempt writes over it
            await self._storage.remove(self._part(download))

    async def _copy(self, download: Download) -> ArchivedFile:
        watch, run = download.watch, self._storage.run
        part = self._part(download)
        if download.file is not None:
            if await run(self._storage.folder.finish, part, download.file):
                return download.file
            await self._store.record_fetched(watch.row, None)
            download = replace(download, etag=None)
        known = await self._known(download, part)
        try:
            source = self._source.open(watch.key.video_id, known, self._storage.max_bytes)
            async with source as content:
                return await self._take(download, content, part)
        except ContentError as error:
            if error.starts_over:
                await self._store.record_progress(watch.row, None, 0)
            raise CopyError(str(error), wait=error.wait) from None

    def _part(self, download: Download) -> Path:
        watch = download.watch
        return self._storage.folder.part(watch.key.gateway, watch.row)

    async def _known(self, download: Download, part: Path) -> Part | None:
        """Return what can be continued: what was synced, of content with a strong ETag."""
        if download.etag is None or not download.synced:
            return None
        size = await self._storage.run(size_of, part)
        whole = size is not None and size >= download.synced
        return Part(download.etag, download.synced) if whole else None

    async def _take(self, download: Download, content: Content, part: Path) -> ArchivedFile:
        """Write the content to its end, and put the copy into place."""
        row, storage = download.watch.row, self._storage
        media = file_names.media_type(content.content_type)
        if file_names.is_no_video(media):
            raise CopyError(f"the content is {media}, which is no video")
        self._check_size(content.total or 0)
        if content.offset == 0 and download.synced:
            await self._store.record_progress(row, None, 0)
        async with self._opened(part, content) as out:
            progress = Progress(download.watch.key.video_id, out.written, content.total)
            self.progress[row] = progress
            await self._write(row, content, out, progress)
            if out.written == 0 or content.total not in {None, out.written}:
                raise CopyError(f"the content has {out.written} bytes")
            await storage.run(out.sync)
            name = file_names.file_name(
                download.watch.key.video_id, download.watch.spec.generation
            )
            name += f".{file_names.ending(media, out.beginning())}"
            place = storage.folder.place(download.watch.key.gateway, name)
            file = ArchivedFile(str(place), out.written, out.sha256(), media)
        await self._store.record_fetched(row, file)
        replaced = await storage.run(size_of, place)
        await storage.run(storage.folder.put, part, file)
        storage.quota.removed(replaced or 0)
        return file

    def _check_size(self, size: int) -> None:
        if size > self._storage.max_bytes:
            raise CopyError("the video has more than max_bytes", is_final=True)

    @asynccontextmanager
    async def _opened(self, part: Path, content: Content) -> AsyncIterator[PartFile]:
        """Give the part, open at the content's offset, with room for the rest of it."""
        storage = self._storage
        needed = 0 if content.total is None else content.total - content.offset
        if not await storage.run(storage.folder.has_space, needed):
            raise CopyError("the disk is nearly full")
        before = await storage.run(size_of, part) or 0
        if not await storage.reserve(needed):
            raise CopyError("the archive is full: it has max_total_bytes")
        out: PartFile | None = None
        try:
            file = await storage.run(storage.folder.open_part, part, content.offset)
            storage.quota.removed(before - content.offset)
            out = await storage.run(_part_file, file, content.offset)
            out.reserved = needed
            yield out
        except CopyError:
            # what is not continued takes up no room
            await storage.remove(part)
            raise
        finally:
            storage.quota.release(needed if out is None else out.reserved)
            if out is not None:
                out.close()

    async def _write(self, row: int, content: Content, out: PartFile, progress: Progress) -> None:
        pending = bytearray()
        try:
            while piece := await content.read():
                pending += piece
                self._check_size(out.written + len(pending))
                if len(pending) >= _PIECE:
                    await self._flush(row, content, out, pending)
                    progress.bytes = out.written
        except ContentError as error:
            await self._flush(row, content, out, pending)
            if await self._keep(row, content, out):
                raise
            raise CopyError(str(error), wait=error.wait) from None
        await self._flush(row, content, out, pending)

    async def _flush(self, row: int, content: Content, out: PartFile, pending: bytearray) -> None:
        """Write what is pending."""
        size, storage = len(pending), self._storage
        if size > out.reserved:
            if not await storage.reserve(size - out.reserved):
                raise CopyError("the archive is full: it has max_total_bytes")
            out.reserved = size
        await storage.run(out.write, bytes(pending))
        out.reserved -= size
        storage.quota.wrote(size)
        pending.clear()
        if out.written - out.synced >= SYNC_EVERY:
            await self._keep(row, content, out)

    async def _keep(self, row: int, content: Content, out: PartFile) -> bool:
        """Record what is there; return whether it can be continued."""
        if content.etag is None or not out.written:
            return False
        if out.written > out.synced:
            await self._storage.run(out.sync)
            await self._store.record_progress(row, content.etag, out.synced)
        return True


def _part_file(file: BinaryIO, written: int) -> PartFile:
    """Return the part with its hash so far; raises OSError, and then it is closed."""
    found = hash_beginning(file, written)
    if found is None:
        file.close()
        raise OSError(0, "the part is shorter than it was")
    return PartFile(file, written, found)
