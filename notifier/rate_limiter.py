"""A rate that is never exceeded: each turn comes at least one interval after the one before it.

There is no burst: what was not used is gone. Turns that came due while the process was stopped
are not all taken when it goes on. After a rest it goes on at half its speed, but not below one
turn a second, and each turn comes a tenth sooner than the one before, up to the rate.
"""

import trio

# a timer is a little late every time, which must not add up at a high rate
_COARSENESS = 0.02
_GENTLE = 1.0
_QUICKENING = 0.9
_SLOT, _SLOTS = 5.0, 12


class RateLimiter:
    """Hands out turns at most `rate` times a second; `now` is trio's clock everywhere."""

    def __init__(self, rate: float) -> None:
        self._shortest = 1 / rate
        self._interval = self._shortest
        self._next = self._awaited = float("-inf")
        self._first_in_line = trio.Lock()

    def take(self, now: float) -> float:
        """Take the next turn if it has come, and return 0; else return the seconds until then."""
        wait = self._next - now
        if wait > 0:
            self._awaited = self._next
            return wait
        punctual = self._awaited == self._next and -wait < _COARSENESS
        self._next = (self._next if punctual else now) + self._interval
        if self._interval > self._shortest:
            self._interval = max(self._interval * _QUICKENING, self._shortest)
        return 0.0

    async def turn(self) -> None:
        """Wait for the next turn and take it, in the order in which turns are asked for.

        One that is cancelled before is not used up.
        """
        async with self._first_in_line:
            wait = self.take(trio.current_time())
            while wait:
                await trio.sleep(wait)  # a rest may begin meanwhile
                wait = self.take(trio.current_time())

    def pace(self, rate: float) -> None:
        """Hand out turns at most `rate` times a second from now on; a rest goes on."""
        resting = self._interval > self._shortest
        self._shortest = 1 / rate
        self._interval = max(self._interval, self._shortest) if resting else self._shortest
        if not resting:
            self._next = min(self._next, trio.current_time() + self._interval)

    def rest(self, seconds: float) -> None:
        """Let nobody's turn come for `seconds`, also not of those who wait for theirs."""
        self._next = max(self._next, trio.current_time() + seconds)
        self._interval = min(self._interval * 2, max(self._shortest, _GENTLE))


class RequestRate:
    """Counts what happened within the last minute, in a few numbers."""

    def __init__(self) -> None:
        self._counts = [0] * _SLOTS
        self._latest = 0

    def note(self, now: float) -> None:
        """Count one more."""
        self._forget(now)
        self._counts[self._latest % _SLOTS] += 1

    def per_second(self, now: float) -> float:
        """Return the average over the last minute."""
        self._forget(now)
        return sum(self._counts) / (_SLOTS * _SLOT)

    def _forget(self, now: float) -> None:
        slot = int(now / _SLOT)
        for passed in range(max(self._latest + 1, slot - _SLOTS + 1), slot + 1):
            self._counts[passed % _SLOTS] = 0
        self._latest = max(self._latest, slot)
