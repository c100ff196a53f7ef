"""Where copies are stored, how much of that is in use, and how its blocking work is run."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import trio

from notifier.archive.folder import ArchiveFolder
from notifier.archive.quota import Quota
from notifier.model.follow_up import ArchivedFile
from notifier.model.video import Json

T = TypeVar("T")

_MEASURE_AGAIN = 60.0
_THREADS = 4

Run = Callable[..., Awaitable[Any]]
"""Runs a blocking function with its arguments."""


class Storage:
    """Stores copies of at most `max_bytes` each in `folder`, as far as its `quota` allows."""

    def __init__(
        self, folder: ArchiveFolder, quota: Quota, max_bytes: int, run: Run | None = None
    ) -> None:
        self.folder = folder
        self.quota = quota
        self.max_bytes = max_bytes
        self._run = run or partial(trio.to_thread.run_sync, limiter=trio.CapacityLimiter(_THREADS))
        self._measured_at: float | None = None
        self._measuring = trio.Lock()

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """Run a function that blocks on the disk; raises what it raises."""
        result: T = await self._run(function, *args)
        return result

    async def reserve(self, size: int) -> bool:
        """Reserve so many bytes; return whether there is room.

        What somebody else removed from the folder is noticed, at most once a minute. Raises
        OSError.
        """
        async with self._measuring:
            if self._measured_at is None:
                await self._measure()
            if self.quota.reserve(size):
                return True
            if trio.current_time() < (self._measured_at or 0) + _MEASURE_AGAIN:
                return False
            await self._measure()
            return self.quota.reserve(size)

    async def _measure(self) -> None:
        self.quota.held = await self.run(self.folder.size)
        self._measured_at = trio.current_time()

    async def remove(self, path: str | Path) -> None:
        """Remove a file, if it is there; raises OSError."""
        self.quota.removed(await self.run(self.folder.remove, path))


def described(file: ArchivedFile, url_prefix: str | None) -> dict[str, Json]:
    """Return what an event says about a copy."""
    said: dict[str, Json] = {
        "path": file.path,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "content_type": file.content_type,
    }
    if url_prefix is not None:
        parts = file.path.split("/")[-2:]
        said["url"] = "/".join([url_prefix, *map(quote, parts)])
    return said
