"""Gives notice of the videos of one gateway that will expire soon.

The timers are in the store; this task sleeps until the first of them is due. Just before a notice
the gateway is asked about the video, because it may be gone already, or be kept for longer.
"""

import math
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import trio

from notifier import log
from notifier.archive.due_work import DueWork
from notifier.model.answer import Answer, NotFound, Seen
from notifier.model.event import EventKind, FollowUp
from notifier.model.follow_up import ExpiryTimer, expiry
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.schedule.clock import Clock

IN_FLIGHT = 8
"""How many videos of one gateway are asked about at the same time."""

MOST_DENIALS = 3
"""So many not-found answers in a row say that a video is gone: one alone may be a mistake."""

_DENIAL_PAUSE = 5.0
_GONE = frozenset({Status.FAILED, Status.CANCELLED})


class TimerStore(Protocol):
    """What notices need of the store; every method raises StoreError."""

    async def expiry_timers(self, gateway: str, limit: int) -> list[ExpiryTimer]:
        """Return the timers that end first."""

    async def move_expiry_timer(self, watch: int, expires_at: float) -> None:
        """Let a timer end at another time."""

    async def remove_expiry_timer(self, watch: int) -> None:
        """Remove a timer."""


class ExpiryDeps(NamedTuple):
    """What notices work with.

    `ask` asks the gateway about one video, within its budget. `publish` makes an event durable;
    it raises StoreError.
    """

    store: TimerStore
    ask: Callable[[str], Awaitable[Answer]]
    publish: Callable[[FollowUp], Awaitable[None]]
    clock: Clock


class ExpiryNotices:
    """Gives notice `notice` seconds before a video of `gateway` expires, while `run` runs."""

    def __init__(self, gateway: str, notice: float, deps: ExpiryDeps) -> None:
        self._gateway = gateway
        self._notice = notice
        self._deps = deps
        self._log = log.get(gateway=gateway)
        self._work = DueWork(
            self._earliest,
            self._finish,
            number=lambda timer: timer.watch.row,
            wait=self._wait,
            in_flight=IN_FLIGHT,
            logger=self._log,
        )
        self.wake = self._work.wake

    def change(self, notice: float) -> None:
        """Give notice so many seconds before from now on."""
        self._notice = notice
        self.wake()

    async def run(self) -> None:
        """Give notices for ever."""
        await self._work.run()

    async def _earliest(self, limit: int) -> list[ExpiryTimer]:
        return await self._deps.store.expiry_timers(self._gateway, limit)

    def _wait(self, timer: ExpiryTimer) -> float:
        return timer.expires_at - self._notice - self._deps.clock.now()

    async def _finish(self, timer: ExpiryTimer) -> None:
        """Give notice, unless the video is gone or is kept for longer."""
        watch, now = timer.watch, self._deps.clock.now()
        if timer.expires_at <= now:
            await self._drop(timer, "it expired while nobody could be told")
            return
        answer = await self._ask(watch.key.video_id)
        expires_at, snapshot = (
            timer.expires_at,
            watch.snapshot or Snapshot(watch.key.video_id, None),
        )
        if isinstance(answer, Seen) and answer.snapshot.expires_at is not None:
            snapshot = snapshot._replace(expires_at=answer.snapshot.expires_at)
            expires_at = expiry(snapshot, self._deps.clock.wall(), now) or -math.inf
        if _is_gone(answer) or expires_at <= now:
            await self._drop(timer, "the gateway says that it is gone")
        elif expires_at - self._notice > now:
            await self._deps.store.move_expiry_timer(watch.row, expires_at)
        else:
            await self._deps.publish(FollowUp(watch, EventKind.EXPIRING, snapshot))

    async def _ask(self, video_id: str) -> Answer:
        """Ask about a video; again after an answer that it does not exist."""
        answer = await self._deps.ask(video_id)
        for _ in range(MOST_DENIALS - 1):
            if not isinstance(answer, NotFound):
                break
            await trio.sleep(_DENIAL_PAUSE)
            answer = await self._deps.ask(video_id)
        return answer

    async def _drop(self, timer: ExpiryTimer, reason: str) -> None:
        await self._deps.store.remove_expiry_timer(timer.watch.row)
        self._log.info("no_expiry_notice", video_id=timer.watch.key.video_id, reason=reason)


def _is_gone(answer: Answer) -> bool:
    """Return whether an answer says that a completed video is there no more."""
    if isinstance(answer, Seen):
        return answer.snapshot.status in _GONE
    return isinstance(answer, NotFound) and not answer.generic
