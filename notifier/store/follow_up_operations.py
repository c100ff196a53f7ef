"""The store's operations on what follows a completed ending."""

from notifier.model.event import EventKind, NewEvent
from notifier.model.follow_up import ArchivedFile, Download, ExpiryTimer
from notifier.store import downloads, expiry_timers, outbox
from notifier.store.connection import Connection
from notifier.store.transactions import Transactions


class FollowUpOperations(Transactions):
    """Timers, downloads, and events after the ending; every method raises StoreError."""

    async def expiry_timers(self, gateway: str, limit: int) -> list[ExpiryTimer]:
        """Return the timers of a gateway that end first."""
        return await self._read(expiry_timers.earliest, gateway, limit)

    async def move_expiry_timer(self, watch: int, expires_at: float) -> None:
        """Let the timer of a watch end at another time (`Clock.now`)."""
        await self._transact(expiry_timers.move, watch, expires_at)

    async def remove_expiry_timer(self, watch: int) -> None:
        """Remove the timer of a watch, which then gets no notice."""
        await self._transact(expiry_timers.remove, watch)

    async def downloads(self, gateway: str, limit: int) -> list[Download]:
        """Return the downloads of a gateway that are due first."""
        return await self._read(downloads.earliest, gateway, limit)

    async def record_progress(self, watch: int, etag: str | None, synced: int) -> None:
        """Commit how much of which content is on the disk."""
        await self._transact(downloads.record_progress, watch, etag, synced)

    async def record_fetched(self, watch: int, file: ArchivedFile | None) -> None:
        """Commit that all of a content is on the disk and where it goes; None if it is not."""
        await self._transact(downloads.record_fetched, watch, file)

    async def postpone_download(self, watch: int, due_at: float, reason: str) -> None:
        """Commit a failed attempt, and when the next one is due (`Clock.now`)."""
        await self._transact(downloads.postpone, watch, due_at, reason)

    async def waiting_downloads(self) -> dict[str, int]:
        """Count the downloads that are not over, by gateway."""
        return await self._query(downloads.waiting)

    async def pending_downloads(self) -> frozenset[int]:
        """Return the watches whose downloads are not over."""
        return await self._query(downloads.pending)

    async def old_files(self, before: float, limit: int) -> list[tuple[int, str]]:
        """Return watch and path of files that were archived before then (`Clock.now`)."""
        return await self._query(downloads.old_files, before, limit)

    async def forget_file(self, watch: int) -> None:
        """Commit that a file was deleted because it was old."""
        await self._transact(downloads.forget_file, watch)

    async def record_follow_up(self, watch: int, kind: EventKind, event: NewEvent) -> bool:
        """Commit an event after the ending with its deliveries; False if there is one already.

        What the event was waiting for is over with it, in the same commit.
        """
        return await self._transact(_record, watch, kind, event, self._now())


def _record(db: Connection, watch: int, kind: EventKind, event: NewEvent, now: float) -> bool:
    if kind is EventKind.EXPIRING:
        expiry_timers.remove(db, watch)
    else:
        state = "archived" if kind is EventKind.ARCHIVED else "failed"
        if not downloads.settle(db, watch, state, now):
            return False
    return outbox.record_follow_up(db, watch, kind, event, now)
