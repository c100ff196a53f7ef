"""A hint that something may have changed: set by any task, waited for by one.

It carries no data. The task that it wakes reads the truth (the store) again, and a task that
misses it does so when its timeout passes.
"""

import math

import trio

TICKS_PER_SECOND = 64
"""What may wait a little waits for the same tick, so that the process wakes once for all of it."""


def next_tick(now: float) -> float:
    """Return the first tick after `now`, both by trio's clock."""
    return (math.floor(now * TICKS_PER_SECOND) + 1) / TICKS_PER_SECOND


class Wakeup:
    """An event that can be set any number of times, for one task that waits.

    A notification that finds no task waiting is kept for the next `wait`.
    """

    def __init__(self) -> None:
        self._notified = trio.Event()

    def notify(self) -> None:
        """Wake the task that waits, or let its next `wait` return at once."""
        self._notified.set()

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 - the timeout is the fallback
        """Wait for a notification, at most `timeout` seconds; tell whether there was one."""
        with trio.move_on_after(max(timeout, 0)):
            await self._notified.wait()
        notified = self._notified.is_set()
        if notified:
            self._notified = trio.Event()
        return notified
