"""One timer for all exchanges of a peer: a scope for each would cost a third of the exchange.

Whose time is over has its connection closed, which ends whatever it waits for.
"""

import math
from typing import Protocol

import trio

from notifier.wakeup import Wakeup

TICK = 0.1
"""How much later than its deadline an exchange may be ended, in seconds."""


class Closable(Protocol):
    """What is closed at its deadline."""

    def expire(self) -> None:
        """Close, and remember why."""


class Deadlines:
    """Closes in time what is in flight; `run` must be running."""

    def __init__(self) -> None:
        self._due: dict[int, set[Closable]] = {}
        self._wakeup = Wakeup()
        self._next = math.inf

    def add(self, one: Closable, deadline: float) -> int:
        """Close `one` at `deadline` (trio's clock) or within a tick; return what `drop` wants."""
        tick = math.ceil(deadline / TICK)
        if tick not in self._due:
            self._due[tick] = set()
            if tick < self._next:
                self._wakeup.notify()
        self._due[tick].add(one)
        return tick

    def drop(self, one: Closable, tick: int) -> None:
        """Leave `one` alone: it came to its end in time."""
        if tick in self._due:
            self._due[tick].discard(one)

    async def run(self) -> None:
        """Keep time for ever."""
        while True:
            self._next = min(self._due, default=math.inf)
            await self._wakeup.wait(self._next * TICK - trio.current_time())
            now = trio.current_time()
            for tick in [tick for tick in self._due if tick * TICK <= now]:
                for one in self._due.pop(tick):
                    one.expire()
