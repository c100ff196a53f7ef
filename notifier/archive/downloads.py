"""Copies the finished videos of one gateway, and says what became of it.

Downloads are in the store. Each is tried with growing waits until the video expires. What ends one
is an event: the copy is in place, or there is none and why.
"""

from collections.abc import Awaitable, Callable
from random import Random
from typing import NamedTuple, Protocol

from notifier import log
from notifier.archive.copier import Copier, CopyError, Progress
from notifier.archive.due_work import DueWork
from notifier.metrics import Metrics
from notifier.model.event import EventKind, FollowUp
from notifier.model.follow_up import ArchivedFile, Download
from notifier.model.video import Json, Snapshot
from notifier.rate_limiter import RateLimiter
from notifier.schedule.backoff import growing, jittered

IN_FLIGHT = 4
"""How many videos of one gateway are fetched at the same time."""

LONGEST_WAIT = 600.0
"""The longest wait between two attempts, in seconds, whatever the gateway asks for."""

_FIRST_WAIT = 2.0


class DownloadStore(Protocol):
    """What downloads need of the store; every method raises StoreError."""

    async def downloads(self, gateway: str, limit: int) -> list[Download]:
        """Return the downloads that are due first."""

    async def postpone_download(self, watch: int, due_at: float, reason: str) -> None:
        """Commit a failed attempt, and when the next one is due."""


class DownloadDeps(NamedTuple):
    """What downloads work with.

    `publish` makes an event durable; it raises StoreError. `now` is `Clock.now`.
    """

    store: DownloadStore
    publish: Callable[[FollowUp], Awaitable[None]]
    now: Callable[[], float]
    rng: Random
    metrics: Metrics


class Downloads:
    """Copies videos of `gateway` while `run` runs; begins at most `rate` attempts a second."""

    def __init__(
        self,
        gateway: str,
        copier: Copier,
        deps: DownloadDeps,
        *,
        rate: float,
        describe: Callable[[ArchivedFile], dict[str, Json]],
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._gateway = gateway
        self._copier = copier
        self._deps = deps
        self._describe = describe
        self._limiter = RateLimiter(rate, allowed)
        self._log = log.get(gateway=gateway)
        self._work = DueWork(
            self._earliest,
            self._attempt,
            number=lambda download: download.watch.row,
            wait=lambda download: download.due_at - deps.now(),
            in_flight=IN_FLIGHT,
            logger=self._log,
        )
        self.wake = self._work.wake
        self.last_error: str | None = None

    async def run(self) -> None:
        """Copy for ever."""
        await self._work.run()

    @property
    def progress(self) -> list[Progress]:
        """The copies that are being made."""
        return list(self._copier.progress.values())

    async def _earliest(self, limit: int) -> list[Download]:
        return await self._deps.store.downloads(self._gateway, limit)

    async def _attempt(self, download: Download) -> None:
        await self._limiter.acquire()
        try:
            file = await self._copier.copy(download)
        except CopyError as error:
            await self._record_failure(download, error)
            return
        self._deps.metrics.archived(self._gateway, "archived", file.bytes)
        self.last_error = None
        await self._publish(download, EventKind.ARCHIVED, self._describe(file))

    async def _record_failure(self, download: Download, error: CopyError) -> None:
        now, reason = self._deps.now(), str(error)
        self._deps.metrics.archived(self._gateway, "failed_attempt")
        self.last_error = reason
        if error.is_final or now >= download.deadline:
            if not error.is_final:
                reason = f"the video expired before it could be fetched: {reason}"
            await self._copier.discard(download)
            self._deps.metrics.archived(self._gateway, "failed")
            await self._publish(download, EventKind.ARCHIVE_FAILED, {"reason": reason})
            return
        wait = growing(_FIRST_WAIT, download.attempts + 1, LONGEST_WAIT)
        wait = jittered(max(wait, min(error.wait or 0.0, LONGEST_WAIT)), self._deps.rng)
        # the last attempt is made when the video expires
        due_at = min(now + wait, download.deadline)
        await self._deps.store.postpone_download(download.watch.row, due_at, reason)
        self._log.warning(
            "not_archived_yet",
            video_id=download.watch.key.video_id,
            reason=reason,
            next_attempt_in=round(due_at - now, 1),
        )

    async def _publish(
        self, download: Download, kind: EventKind, archive: dict[str, Json]
    ) -> None:
        watch = download.watch
        snapshot = watch.snapshot or Snapshot(watch.key.video_id, None)
        await self._deps.publish(FollowUp(watch, kind, snapshot, archive))
