"""The line at a desk: who is due and has not had a turn yet, first come, first served."""

from collections import OrderedDict
from collections.abc import Iterator

from notifier.polling.seat import Seat
from notifier.polling.shelf import PageRequest, Shelf


class Line:
    """Seats in their order; anybody may leave from anywhere. `shelf` knows whom pages answer."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._seats: OrderedDict[Seat, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seats)

    def __iter__(self) -> Iterator[Seat]:
        return iter(self._seats)

    def add(self, seat: Seat) -> None:
        """Stand at the end, unless a page that is under way will answer it."""
        if seat in self._seats:
            return
        request = self.shelf.under_way(seat)
        if request is None:
            self._seats[seat] = None
        else:
            request.expected[seat] = None

    def put_first(self, seat: Seat) -> None:
        """Stand at the front: it has had a turn, or is known to have ended."""
        self._seats[seat] = None
        self._seats.move_to_end(seat, last=False)

    def remove(self, seat: Seat) -> None:
        """Leave the line, if it stands there."""
        self._seats.pop(seat, None)

    def first(self) -> Seat:
        """Return whose turn is next."""
        return next(iter(self._seats))

    def plan(self, seat: Seat, now: float) -> PageRequest | None:
        """Return the page to ask for now that it is the turn of `seat`, None to ask alone.

        Those who are expected on the page leave the line.
        """
        request = self.shelf.plan(seat, now)
        if request is not None:
            for expected in request.expected:
                self._seats.pop(expected, None)
        return request
