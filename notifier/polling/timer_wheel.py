"""A timer wheel: when each slot is due, cheap to postpone."""

import math
from heapq import heappop, heappush

from notifier.polling.poll_slot import PollSlot
from notifier.wakeup import TICKS_PER_SECOND


class TimerWheel:
    """The slots of one gateway, by the tick in which they are due.

    Slots of one tick are taken out together, which costs less; none is early.
    Most slots are postponed again and again before they are due. Then only `slot.due` changes,
    and the slot is moved when the tick comes that it is filed under.
    """

    def __init__(self) -> None:
        self._slots: dict[int, list[PollSlot]] = {}
        self._ticks: list[int] = []

    def add(self, slot: PollSlot) -> None:
        """File a slot under the tick when it is due, unless it is filed under an earlier one."""
        due = slot.due * TICKS_PER_SECOND
        if due >= slot.wheel_tick:
            return  # nearly always: it was postponed
        tick = math.ceil(due)
        if tick == slot.wheel_tick:
            return
        slot.wheel_tick = tick
        slots = self._slots.get(tick)
        if slots is None:
            self._slots[tick] = [slot]
            heappush(self._ticks, tick)
        else:
            slots.append(slot)

    def take_due(self, now: float) -> list[PollSlot]:
        """Take out the slots that are parked and due."""
        due = []
        while self._ticks and self._ticks[0] <= now * TICKS_PER_SECOND:
            tick = heappop(self._ticks)
            for slot in self._slots.pop(tick):
                if slot.wheel_tick != tick:
                    continue  # it was moved to an earlier tick
                slot.wheel_tick = math.inf
                if slot.task is None:
                    continue  # its task is not parked
                if slot.due <= now:
                    due.append(slot)
                else:
                    self.add(slot)
        return due

    def next_due(self) -> float:
        """Return the moment before which no slot is due."""
        return self._ticks[0] / TICKS_PER_SECOND if self._ticks else math.inf
