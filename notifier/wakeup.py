"""A hint that something may have changed: rung by one task, waited for by others.

A bell carries no data. Whoever hears it looks at the truth (the store) again, and whoever
misses it looks again when its timeout passes.
"""

import trio


class Wakeup:
    """An event that can be rung any number of times, for one task that waits.

    A ring that nobody waits for is kept for the next `wait` after it.
    """

    def __init__(self) -> None:
        self._rung = trio.Event()

    def notify(self) -> None:
        """Wake the task that waits, or the next time it does."""
        self._rung.set()

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 - the point of a bell
        """Wait for a ring, at most `timeout` seconds; tell whether there was one."""
        with trio.move_on_after(max(timeout, 0)):
            await self._rung.wait()
        rung = self._rung.is_set()
        if rung:
            self._rung = trio.Event()
        return rung
