"""A limiter for a rate: but for the lateness of a timer, permits are an interval apart.

There is no burst: permits that nobody took do not add up, also not while the process was
stopped. Only at a rate of several permits a tick those of one tick may be taken together; then
intervals are longer by as much as a permit may be late, and no second has more than the rate.
After a pause the rate starts at half of what it was, but not below one permit a second, and each
interval is a tenth shorter than the one before, up to the full rate.
"""

from collections.abc import Callable

import trio

from notifier.wakeup import TICKS_PER_SECOND

# a timer is a little late every time, up to a tick, which must not add up at a high rate
_TIMER_LATENESS = 0.02
_SHARED_TICK = 1 / (2 * TICKS_PER_SECOND)
"""Below this interval two permits or more come up within one tick."""
_SLOWEST_INTERVAL = 1.0
_SPEED_UP = 0.9
_SLOT, _SLOTS = 5.0, 12
_LOOK = 0.5
"""The time between two looks whether permits are granted again, in seconds."""


class RateLimiter:
    """Grants at most `rate` permits a second; `now` is trio's clock everywhere.

    While `allowed` returns False it grants none.
    """

    def __init__(self, rate: float, allowed: Callable[[], bool] = lambda: True) -> None:
        self._allowed = allowed
        self._is_stopped = False
        self._shortest = self._interval = _interval_at(rate)
        self._next = self._awaited = self._paused_until = float("-inf")
        self._first_in_line = trio.Lock()

    def try_acquire(self, now: float) -> float:
        """Take a permit and return 0; if none is due, return the seconds until the next one."""
        if self._is_stopped or not self._allowed():
            return _LOOK
        wait = self._next - now
        if wait > 0:
            self._awaited = self._next
            return wait
        if self.has_several_in_a_tick:
            taken = max(self._next, now - _TIMER_LATENESS)
        else:
            punctual = self._awaited == self._next and -wait < _TIMER_LATENESS
            taken = self._next if punctual else now
        self._next = taken + self._interval
        if self._interval > self._shortest:
            self._interval = max(self._interval * _SPEED_UP, self._shortest)
        return 0.0

    @property
    def has_several_in_a_tick(self) -> bool:
        """Whether several permits come up in one tick: then it costs less to wait for its end."""
        return self._interval < _SHARED_TICK

    async def acquire(self) -> None:
        """Wait for a permit and take it, first come, first served.

        A caller that is cancelled while it waits uses up no permit.
        """
        async with self._first_in_line:
            wait = self.try_acquire(trio.current_time())
            while wait:
                await trio.sleep(wait)  # a pause may begin meanwhile
                wait = self.try_acquire(trio.current_time())

    def count(self, now: float) -> None:
        """Count what was done without waiting for a permit: the next one is due later."""
        self._next = max(self._next, now) + self._interval

    def set_rate(self, rate: float) -> None:
        """Grant at most `rate` permits a second from now on, none for 0; a pause continues."""
        self._is_stopped = rate <= 0
        if self._is_stopped:
            return
        slowed = self._interval > self._shortest
        self._shortest = _interval_at(rate)
        self._interval = max(self._interval, self._shortest) if slowed else self._shortest
        if not slowed:
            sooner = min(self._next, trio.current_time() + self._interval)
            self._next = max(sooner, self._paused_until)

    def pause(self, seconds: float) -> None:
        """Grant nothing for `seconds`, also not to callers that wait already."""
        self._paused_until = max(self._paused_until, trio.current_time() + seconds)
        self._next = max(self._next, self._paused_until)
        self._interval = min(self._interval * 2, max(self._shortest, _SLOWEST_INTERVAL))


def _interval_at(rate: float) -> float:
    interval = (1 + _TIMER_LATENESS) / rate
    return interval if interval < _SHARED_TICK else max(1 / rate, _SHARED_TICK)


class RequestRate:
    """Counts requests within the last minute, in twelve slots of five seconds."""

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
        if slot <= self._latest:
            return
        for passed in range(max(self._latest + 1, slot - _SLOTS + 1), slot + 1):
            self._counts[passed % _SLOTS] = 0
        self._latest = slot
