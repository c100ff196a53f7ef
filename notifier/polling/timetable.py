"""Who is due when, however often it is put off."""

import math
from heapq import heappop, heappush

from notifier.polling.seat import Seat

_PER_SECOND = 128
"""Who is due within one tick is taken out together: that costs less, and nobody is early."""


class Timetable:
    """The seats of one desk, by the tick in which they are due.

    Most are put off again and again before they come up. Then they are only noted to be due
    later, and are moved when the tick comes in which they are listed.
    """

    def __init__(self) -> None:
        self._seats: dict[int, list[Seat]] = {}
        self._ticks: list[int] = []

    def add(self, seat: Seat) -> None:
        """Note when a seat is due, if it is not listed for a tick before that."""
        tick = math.ceil(seat.due * _PER_SECOND)
        if tick >= seat.listed:
            return
        seat.listed = tick
        seats = self._seats.get(tick)
        if seats is None:
            self._seats[tick] = [seat]
            heappush(self._ticks, tick)
        else:
            seats.append(seat)

    def take_due(self, now: float) -> list[Seat]:
        """Take out the seats that wait and are due."""
        due = []
        while self._ticks and self._ticks[0] <= now * _PER_SECOND:
            tick = heappop(self._ticks)
            for seat in self._seats.pop(tick):
                if seat.listed != tick:
                    continue  # it was moved forward
                seat.listed = math.inf
                if seat.task is None:
                    continue  # nobody waits there
                if seat.due <= now:
                    due.append(seat)
                else:
                    self.add(seat)
        return due

    def next_due(self) -> float:
        """Return the moment before which nobody is due."""
        return self._ticks[0] / _PER_SECOND if self._ticks else math.inf
