"""Who is due when, however often it is put off."""

import math
from heapq import heappop, heappush

from notifier.polling.poll_slot import PollSlot

_PER_SECOND = 128
"""Who is due within one tick is taken out together: that costs less, and nobody is early."""


class TimerWheel:
    """The seats of one desk, by the tick in which they are due.

    Most are put off again and again before they come up. Then they are only noted to be due
    later, and are moved when the tick comes in which they are listed.
    """

    def __init__(self) -> None:
        self._slots: dict[int, list[PollSlot]] = {}
        self._ticks: list[int] = []

    def add(self, slot: PollSlot) -> None:
        """Note when a seat is due, if it is not listed for a tick before that."""
        tick = math.ceil(slot.due * _PER_SECOND)
        if tick >= slot.wheel_tick:
            return
        slot.wheel_tick = tick
        slots = self._slots.get(tick)
        if slots is None:
            self._slots[tick] = [slot]
            heappush(self._ticks, tick)
        else:
            slots.append(slot)

    def take_due(self, now: float) -> list[PollSlot]:
        """Take out the seats that wait and are due."""
        due = []
        while self._ticks and self._ticks[0] <= now * _PER_SECOND:
            tick = heappop(self._ticks)
            for slot in self._slots.pop(tick):
                if slot.wheel_tick != tick:
                    continue  # it was moved forward
                slot.wheel_tick = math.inf
                if slot.task is None:
                    continue  # nobody waits there
                if slot.due <= now:
                    due.append(slot)
                else:
                    self.add(slot)
        return due

    def next_due(self) -> float:
        """Return the moment before which nobody is due."""
        return self._ticks[0] / _PER_SECOND if self._ticks else math.inf
