"""The timer wheel: nothing is early, and nothing that was postponed wakes anybody."""

import math
from unittest.mock import Mock

import pytest

from notifier.polling.poll_slot import PollSlot
from notifier.polling.timer_wheel import TimerWheel
from notifier.wakeup import TICKS_PER_SECOND

TICK = 1 / TICKS_PER_SECOND


@pytest.fixture
def woken() -> list[float]:
    """Return the moments by which the wheel wanted somebody to wake."""
    return []


@pytest.fixture
def wheel(woken: list[float]) -> TimerWheel:
    return TimerWheel(woken.append)


def parked(wheel: TimerWheel, due: float) -> PollSlot:
    slot = PollSlot(f"due at {due}")
    slot.task = Mock()
    slot.due = due
    wheel.add(slot)
    return slot


def test_slots_come_out_when_they_are_due_and_never_before(wheel: TimerWheel) -> None:
    second, first = parked(wheel, 2), parked(wheel, 1)
    assert wheel.next_due() == 1
    assert wheel.take_due(1 - TICK) == []
    assert wheel.take_due(1) == [first]
    assert wheel.next_due() == 2
    assert wheel.take_due(2) == [second]
    assert wheel.next_due() == math.inf


def test_a_slot_that_was_postponed_makes_nobody_wake_when_it_was_due(wheel: TimerWheel) -> None:
    slot, other = parked(wheel, 1), parked(wheel, 3)
    slot.due = 2
    wheel.add(slot)
    assert wheel.next_due() == 2
    slot.due = 4
    assert wheel.next_due() == 3
    assert wheel.take_due(3) == [other]
    assert wheel.take_due(4) == [slot]


def test_a_slot_may_be_postponed_beside_one_that_is_due(wheel: TimerWheel) -> None:
    slot, other = parked(wheel, 1), parked(wheel, 1)
    slot.due = 2
    assert wheel.next_due() == 1
    assert wheel.take_due(1) == [other]
    assert wheel.next_due() == 2
    assert wheel.take_due(2) == [slot]


def test_only_what_is_due_before_all_others_asks_to_wake(
    wheel: TimerWheel, woken: list[float]
) -> None:
    slot = parked(wheel, 5)
    parked(wheel, 6)
    assert woken == [5]
    slot.due = 2
    wheel.add(slot)
    assert woken == [5, 2]
    parked(wheel, 3)
    assert woken == [5, 2]


def test_moving_what_was_postponed_asks_nobody_to_wake(
    wheel: TimerWheel, woken: list[float]
) -> None:
    parked(wheel, 1).due = 2
    woken.clear()
    assert wheel.next_due() == 2
    assert wheel.take_due(1.5) == []
    assert woken == []


def test_a_slot_that_comes_back_to_its_tick_comes_out_once(wheel: TimerWheel) -> None:
    slot = parked(wheel, 5)
    slot.due = 1
    wheel.add(slot)
    assert wheel.take_due(1) == [slot]
    slot.due = 5
    wheel.add(slot)
    assert wheel.take_due(5) == [slot]


def test_a_slot_whose_task_is_not_parked_does_not_come_out(wheel: TimerWheel) -> None:
    slot = parked(wheel, 1)
    slot.task = None
    assert wheel.take_due(1) == []
    slot.task = Mock()
    wheel.add(slot)
    assert wheel.take_due(1) == [slot]
