"""A rate that is never exceeded: each turn is one interval after the one before it."""


class Pacer:
    """Hands out turns at most `rate` times a second, in the order they are asked for.

    There is no burst: what was not used is gone, so no second ever sees more than `rate`.
    """

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = float("-inf")

    def reserve(self, now: float) -> float:
        """Take the next turn and return how many seconds from `now` it comes."""
        turn = max(now, self._next)
        self._next = turn + self._interval
        return turn - now
