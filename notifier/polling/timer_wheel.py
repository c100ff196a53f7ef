"""A timer wheel: when each slot is due, cheap to postpone."""

import math
from collections.abc import Callable
from heapq import heappop, heappush

from notifier.polling.poll_slot import PollSlot
from notifier.wakeup import TICKS_PER_SECOND


class TimerWheel:
    """The slots of one gateway, by the tick in which they are due.

    Slots of one tick are taken out together, which costs less; none is early.
    Most slots are postponed again and again before they are due. Then only `slot.due` changes,
    and the slot is moved before the tick comes that it is filed under.

    `wake_by` is called with the moment of a tick that is sooner than all others.
    """

    def __init__(self, wake_by: Callable[[float], None]) -> None:
        self._wake_by = wake_by
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
        self._file(slot, tick)
        if self._ticks[0] == tick:
            self._wake_by(tick / TICKS_PER_SECOND)

    def _file(self, slot: PollSlot, tick: int) -> None:
        """File a slot under a tick, and wake nobody for it."""
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
            for slot in self._take_first():
                if slot.task is None:
                    continue  # its task is not parked
                if slot.due <= now:
                    due.append(slot)
                else:
                    self._file(slot, math.ceil(slot.due * TICKS_PER_SECOND))
        return due

    def next_due(self) -> float:
        """Return the moment before which no slot is due; what was postponed is moved first.

        To wake for slots that were postponed would cost more than to move them now.
        """
        while self._ticks:
            tick = self._ticks[0]
            if any(slot.due * TICKS_PER_SECOND <= tick for slot in self._slots[tick]):
                return tick / TICKS_PER_SECOND
            for slot in self._take_first():
                self._file(slot, math.ceil(slot.due * TICKS_PER_SECOND))
        return math.inf

    def _take_first(self) -> list[PollSlot]:
        """Take out the slots of the first tick, except what was moved to an earlier one."""
        tick = heappop(self._ticks)
        slots = []
        for slot in self._slots.pop(tick):
            if slot.wheel_tick == tick:
                slot.wheel_tick = math.inf
                slots.append(slot)
        return slots
