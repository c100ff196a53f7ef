"""Whether something that may save requests does: it goes on as long as it earns what it costs."""

_CREDIT = 5.0
_MOST = 50.0


class SavingsGuard:
    """Open until more was spent than earned, then closed for a while that grows.

    In all no more than `_CREDIT` requests are lost each time it is opened. `shortest` and
    `longest` say for how long it is closed, in seconds; moments are whatever clock the caller has.
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = self._pause = shortest
        self._longest = longest
        self._credit = _CREDIT
        self._opens_at = 0.0

    def is_open(self, now: float) -> bool:
        """Tell whether to go on."""
        return now >= self._opens_at

    def settle(self, record_savings: float, now: float) -> None:
        """Note what a request has earned, in requests that it saved; itself it cost one."""
        self._credit = min(self._credit + record_savings - 1, _MOST)
        if record_savings >= 2:  # noqa: PLR2004 - it saved one at least
            self._pause = self._shortest
        if self._credit < 0:
            self.close(now)

    def close(self, now: float) -> None:
        """Give up for a while: every time without success in between for twice as long."""
        self._opens_at = now + self._pause
        self._pause = min(2 * self._pause, self._longest)
        self._credit = _CREDIT
