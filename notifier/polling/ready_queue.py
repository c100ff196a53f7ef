"""The queue of slots that are due and not asked about yet, in first-in, first-out order."""

from collections import OrderedDict
from collections.abc import Iterator

from notifier.polling.page_planner import PagePlanner
from notifier.polling.page_range import PageRequest
from notifier.polling.poll_slot import PollSlot


class ReadyQueue:
    """The slots in their order, removable from anywhere; `planner` knows what pages answer."""

    def __init__(self, planner: PagePlanner) -> None:
        self.planner = planner
        self._slots: OrderedDict[PollSlot, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[PollSlot]:
        return iter(self._slots)

    def add(self, slot: PollSlot) -> None:
        """Append a slot, unless a page in flight is expected to answer it."""
        if slot in self._slots:
            return
        request = self.planner.in_flight_for(slot)
        if request is None:
            self._slots[slot] = None
        else:
            request.expected[slot] = None

    def add_first(self, slot: PollSlot) -> None:
        """Put a slot first: it waited before, or a list says that its video has ended."""
        self._slots[slot] = None
        self._slots.move_to_end(slot, last=False)

    def remove(self, slot: PollSlot) -> None:
        """Take a slot out, if it is queued."""
        self._slots.pop(slot, None)

    def first(self) -> PollSlot:
        """Return the next slot."""
        return next(iter(self._slots))

    def plan(self, slot: PollSlot, now: float) -> PageRequest | None:
        """Return the page to ask for on behalf of `slot`, None to ask about it alone.

        Slots that the page is expected to answer leave the queue.
        """
        request = self.planner.plan(slot, now)
        if request is not None:
            for expected in request.expected:
                self._slots.pop(expected, None)
        return request
