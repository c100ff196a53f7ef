"""Two readings of time, because the wall clock may be set while the daemon runs.

`wall` is what a calendar says: it stamps what others read (signatures, events, logs).
`now` is wall time too, but taken once, at the start, and carried on by a monotonic clock:
every deadline and retry time in the store is on it. A clock set back an hour or a year ahead
moves no retry within a process; between processes wall time is all there is.
"""

from collections.abc import Callable


class Clock:
    """The daemon's sense of time; both readings are Unix seconds.

    `wall` reads the calendar, `monotonic` a clock that nobody sets.
    """

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def wall(self) -> float:
        """Return what the calendar says, for stamps that others read."""
        return self._wall()

    def now(self) -> float:
        """Return steady Unix time, for deadlines."""
        return self._monotonic() + self._offset

    def drift(self) -> float:
        """Return by how many seconds the calendar is ahead of `now`: somebody set it."""
        return self.wall() - self.now()
