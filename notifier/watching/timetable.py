"""Who is due when: a heap in which every seat has one entry, however often it is put off."""

import math
from heapq import heappop, heappush
from itertools import count

from notifier.watching.seat import Seat


class Timetable:
    """The seats of one desk, by when they are due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Seat]] = []
        self._order = count()

    def add(self, seat: Seat) -> None:
        """Note when a seat is due; an entry that comes before that is moved when it comes up."""
        if seat.due < seat.listed:
            seat.listed = seat.due
            heappush(self._heap, (seat.due, next(self._order), seat))

    def take_due(self, now: float) -> list[Seat]:
        """Take out the seats that wait and are due."""
        due = []
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, seat = heappop(heap)
            if at != seat.listed:
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
        return self._heap[0][0] if self._heap else math.inf
