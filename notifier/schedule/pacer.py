"""A rate that is never exceeded: each turn is one interval after the one before it."""

_GENTLE = 1.0
_QUICKENS = 0.9


class Pacer:
    """Hands out turns at most `rate` times a second, in the order they are asked for.

    There is no burst: what was not used is gone, so no second ever sees more than `rate`.
    """

    def __init__(self, rate: float) -> None:
        self._shortest = 1 / rate
        self._interval = self._shortest
        self._next = float("-inf")

    def reserve(self, now: float) -> float:
        """Take the next turn and return how many seconds from `now` it comes."""
        turn = max(now, self._next)
        self._next = turn + self._interval
        self._interval = max(self._interval * _QUICKENS, self._shortest)
        return turn - now

    def rest(self, until: float) -> None:
        """Let nobody's turn come before `until`; then one a second, each a tenth sooner.

        Turns that were taken before stay as they are: whoever waits for one has to take another.
        """
        self._next = max(self._next, until)
        self._interval = max(self._shortest, _GENTLE)
