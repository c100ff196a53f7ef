"""Two readings of time, because the wall clock may be set while the daemon runs.

`wall` is calendar time: it stamps what others read (signatures, events, logs). `now` is wall
time too, but read once, at the start, and carried on by a monotonic clock: every deadline and
retry time in the store is on it. So setting the clock moves no retry within a process. Between
processes only wall time is available. Instances that share a store set `now` to the database's
time again and again.
"""

from collections.abc import Callable


class Clock:
    """Reads both times, in Unix seconds.

    `wall` is a function that reads calendar time, `monotonic` one that reads a clock that cannot
    be set.
    """

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def wall(self) -> float:
        """Return calendar time, for stamps that others read."""
        return self._wall()

    def now(self) -> float:
        """Return steady Unix time, for deadlines."""
        return self._monotonic() + self._offset

    def set_to(self, now: float, at: float) -> None:
        """Let `now` have been this when the monotonic clock read `at`: another clock says so."""
        self._offset = now - at

    @property
    def offset(self) -> float:
        """What is added to the monotonic clock to get `now`, in seconds."""
        return self._offset

    def drift(self) -> float:
        """Return by how many seconds calendar time is ahead of `now`: the clock was set."""
        return self.wall() - self.now()
