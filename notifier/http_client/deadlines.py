"""One timer for all exchanges with a peer: a cancel scope for each costs a third of an exchange.

A connection whose deadline has passed is closed, which ends whatever waits for it.
"""

import math
from typing import Protocol

import trio

from notifier.wakeup import Wakeup

TICK = 0.1
"""How much later than its deadline an exchange may be ended, in seconds."""


class Closable(Protocol):
    """A connection that is closed at its deadline."""

    def expire(self) -> None:
        """Close, and remember that the deadline was the reason."""


class Deadlines:
    """Closes connections at their deadlines while `run` runs."""

    def __init__(self) -> None:
        self._due: dict[int, set[Closable]] = {}
        self._wakeup = Wakeup()
        self._next = math.inf

    def add(self, one: Closable, deadline: float) -> int:
        """Close `one` at `deadline` (trio's clock), or up to a tick later.

        Return the tick, which `drop` takes.
        """
        tick = math.ceil(deadline / TICK)
        if tick not in self._due:
            self._due[tick] = set()
            if tick < self._next:
                self._wakeup.notify()
        self._due[tick].add(one)
        return tick

    def drop(self, one: Closable, tick: int) -> None:
        """Do not close `one`: its exchange ended in time."""
        if tick in self._due:
            self._due[tick].discard(one)

    async def run(self) -> None:
        """Close what is due, for ever."""
        while True:
            self._next = min(self._due, default=math.inf)
            await self._wakeup.wait(self._next * TICK - trio.current_time())
            now = trio.current_time()
            for tick in [tick for tick in self._due if tick * TICK <= now]:
                for one in self._due.pop(tick):
                    one.expire()
