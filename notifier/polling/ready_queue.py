"""The line at a desk: who is due and has not had a turn yet, first come, first served."""

from collections import OrderedDict
from collections.abc import Iterator

from notifier.polling.page_planner import PagePlanner, PageRequest
from notifier.polling.poll_slot import PollSlot


class ReadyQueue:
    """Seats in their order; anybody may leave from anywhere. `planner` knows whom pages answer."""

    def __init__(self, planner: PagePlanner) -> None:
        self.planner = planner
        self._slots: OrderedDict[PollSlot, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[PollSlot]:
        return iter(self._slots)

    def add(self, slot: PollSlot) -> None:
        """Stand at the end, unless a page that is under way will answer it."""
        if slot in self._slots:
            return
        request = self.planner.in_flight_for(slot)
        if request is None:
            self._slots[slot] = None
        else:
            request.expected[slot] = None

    def add_first(self, slot: PollSlot) -> None:
        """Stand at the front: it has had a turn, or is known to have ended."""
        self._slots[slot] = None
        self._slots.move_to_end(slot, last=False)

    def remove(self, slot: PollSlot) -> None:
        """Leave the line, if it stands there."""
        self._slots.pop(slot, None)

    def first(self) -> PollSlot:
        """Return whose turn is next."""
        return next(iter(self._slots))

    def plan(self, slot: PollSlot, now: float) -> PageRequest | None:
        """Return the page to ask for now that it is the turn of `slot`, None to ask alone.

        Those who are expected on the page leave the line.
        """
        request = self.planner.plan(slot, now)
        if request is not None:
            for expected in request.expected:
                self._slots.pop(expected, None)
        return request
