"""The order of a list, judged by the times on the pages that a walk reads. Pure."""

from collections.abc import Iterable
from enum import Enum

_CERTAIN = 3
"""So many times as often as the other way the times must go one way."""

_FEWEST = 8
"""So many steps more are needed: nine jobs in no order are in line once in 362,880 times."""


class Order(Enum):
    """In which order a list shows its jobs; `UNPROVEN` when the times do not tell."""

    NEWEST_FIRST = "newest first"
    OLDEST_FIRST = "oldest first"
    UNPROVEN = "unproven"


class OrderEvidence:
    """How often the times rose and fell from one job to the next; `presumed` is known before."""

    def __init__(self, presumed: Order) -> None:
        self._presumed = presumed
        self._rises = self._falls = 0
        self._last: int | None = None

    def add(self, times: Iterable[int | None]) -> None:
        """Take in the times of the next jobs on the list."""
        for time in times:
            if time is not None:
                if self._last is not None:
                    self._rises += time > self._last
                    self._falls += time < self._last
                self._last = time

    @property
    def order(self) -> Order:
        """The order that the times prove, or the presumed one until they contradict it."""
        rises, falls = self._rises, self._falls
        if falls >= _CERTAIN * rises + _FEWEST:
            return Order.NEWEST_FIRST
        if rises >= _CERTAIN * falls + _FEWEST:
            return Order.OLDEST_FIRST
        holds = {
            Order.NEWEST_FIRST: self.may_be_newest_first,
            Order.OLDEST_FIRST: rises >= _CERTAIN * falls,
            Order.UNPROVEN: True,
        }
        return self._presumed if holds[self._presumed] else Order.UNPROVEN

    @property
    def may_be_newest_first(self) -> bool:
        """Whether the times do not contradict a list that is newest first."""
        return self._falls >= _CERTAIN * self._rises
