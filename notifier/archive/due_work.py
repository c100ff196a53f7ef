"""Runs work of the store when it is due: so many pieces at the same time, the earliest first.

The store is looked at whenever a piece ends or is due, when `wake` is called, and at least every
ten minutes. The clock is looked at once a minute.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import trio

from notifier.errors import StoreError
from notifier.wakeup import Wakeup

T = TypeVar("T")

_CLOCK_PAUSE = 60.0
_MOST_CLOCK_PAUSES = 10
_STORE_PAUSE = 5.0


class DueWork(Generic[T]):
    """Runs `handle` for what `earliest` returns, at most `in_flight` at the same time.

    `earliest` returns so many pieces of work, those first that are due first. `number` identifies
    a piece, and `wait` returns in how many seconds it is due. When `handle` raises StoreError, the
    piece is tried again.
    """

    def __init__(
        self,
        earliest: Callable[[int], Awaitable[Sequence[T]]],
        handle: Callable[[T], Awaitable[None]],
        *,
        number: Callable[[T], int],
        wait: Callable[[T], float],
        in_flight: int,
        logger: Any,  # noqa: ANN401 - structlog's loggers have no type
    ) -> None:
        self._earliest = earliest
        self._handle = handle
        self._number = number
        self._wait = wait
        self._most = in_flight
        self._log = logger
        self._running: set[int] = set()
        self._wakeup = Wakeup()

    def wake(self) -> None:
        """Look at the store: there may be something to do."""
        self._wakeup.notify()

    async def run(self) -> None:
        """Work for ever."""
        async with trio.open_nursery() as nursery:
            while True:
                try:
                    coming = await self._start_due(nursery)
                except StoreError as error:
                    self._log.error("follow_ups_wait_for_store", reason=str(error))
                    await self._wakeup.wait(_STORE_PAUSE)
                else:
                    await self._sleep(coming)

    async def _sleep(self, coming: T | None) -> None:
        """Sleep until `coming` is due or the store is to be looked at."""
        for _ in range(_MOST_CLOCK_PAUSES):
            wait = math.inf if coming is None else self._wait(coming)
            if wait <= 0 or await self._wakeup.wait(min(wait, _CLOCK_PAUSE)):
                return

    async def _start_due(self, nursery: trio.Nursery) -> T | None:
        """Start what is due; return the piece that is due next."""
        for piece in await self._earliest(self._most + 1):
            if self._number(piece) in self._running:
                continue
            if self._wait(piece) > 0:
                return piece
            if len(self._running) == self._most:
                break
            self._running.add(self._number(piece))
            nursery.start_soon(self._run, piece)
        return None

    async def _run(self, piece: T) -> None:
        try:
            await self._handle(piece)
        except StoreError as error:
            self._log.error("follow_ups_wait_for_store", reason=str(error))
            await trio.sleep(_STORE_PAUSE)
        finally:
            self._running.discard(self._number(piece))
            self._wakeup.notify()
