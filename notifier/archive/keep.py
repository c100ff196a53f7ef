"""Deletes copies that were kept for long enough."""

from collections.abc import Callable
from typing import Protocol

import trio

from notifier import log
from notifier.archive.storage import Storage
from notifier.errors import StoreError
from notifier.schedule.backoff import clamped

_BATCH = 100
_SHORTEST_PAUSE, _LONGEST_PAUSE = 10.0, 3600.0


class FileStore(Protocol):
    """What is needed of the store; every method raises StoreError."""

    async def old_files(self, before: float, limit: int) -> list[tuple[int, str]]:
        """Return watch and path of files that were archived before then."""

    async def forget_file(self, watch: int) -> None:
        """Commit that a file was deleted."""


async def delete_old_copies(
    store: FileStore, storage: Storage, keep: float, now: Callable[[], float]
) -> None:
    """Delete copies `keep` seconds after they were made, about every hour, for ever."""
    while True:
        try:
            deleted = await _delete(store, storage, now() - keep)
        except (StoreError, OSError) as error:
            log.get().error("copies_not_deleted", reason=str(error))
        else:
            if deleted:
                log.get().info("copies_deleted", number=deleted)
        await trio.sleep(clamped(keep / 10, _SHORTEST_PAUSE, _LONGEST_PAUSE))


async def _delete(store: FileStore, storage: Storage, before: float) -> int:
    deleted = 0
    while files := await store.old_files(before, _BATCH):
        for watch, path in files:
            await storage.remove(path)
            await store.forget_file(watch)
        deleted += len(files)
    return deleted
