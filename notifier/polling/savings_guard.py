"""Switches something off for a while when it costs more requests than it saves."""

_CREDIT = 5.0
_MOST = 50.0


class SavingsGuard:
    """Open until costs exceed savings by `_CREDIT` requests, then closed for a growing while.

    `shortest` and `longest` bound how long it is closed, in seconds. Moments are on the caller's
    clock.
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = self._pause = shortest
        self._longest = longest
        self._credit = _CREDIT
        self._opens_at = 0.0

    def is_open(self, now: float) -> bool:
        """Return whether it may be used."""
        return now >= self._opens_at

    def settle(self, saved: float, now: float) -> None:
        """Record a request that saved so many requests; it cost one itself."""
        self._credit = min(self._credit + saved - 1, _MOST)
        if saved >= 2:  # noqa: PLR2004 - it saved one at least
            self._pause = self._shortest
        if self._credit < 0:
            self.close(now)

    def close(self, now: float, at_least: float = 0.0) -> None:
        """Close for a while: each time without savings in between for twice as long."""
        self._opens_at = now + max(self._pause, at_least)
        self._pause = min(2 * self._pause, self._longest)
        self._credit = _CREDIT
