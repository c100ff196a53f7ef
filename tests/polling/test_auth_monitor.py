"""The evidence about a key: which answers count, and what a pause looks like from outside."""

import math

import pytest
import trio
from structlog.testing import capture_logs

from notifier import log
from notifier.metrics import Metrics
from notifier.model.answer import Unauthorized
from notifier.polling.auth import ENOUGH, SETTLED_AFTER, AuthMonitor
from notifier.polling.poll_slot import PollSlot
from tests.builders import rng
from tests.metrics.samples import values

REFUSED = Unauthorized(403, "no access")
FIRST = 10.0
SETTLED = FIRST + SETTLED_AFTER
MANY = 100


def make_slots(number: int) -> list[PollSlot]:
    return [PollSlot(f"video_{each}") for each in range(number)]


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    metrics.configured(["main"], [])
    # as the monitor before this one may have left it
    metrics.gateway_paused("main", paused=True)
    return metrics


@pytest.fixture
def monitor(metrics: Metrics) -> AuthMonitor:
    return AuthMonitor("main", metrics, log.get())


def is_paused(monitor: AuthMonitor) -> bool:
    return monitor.pause is not None


def refuse(monitor: AuthMonitor, slots: list[PollSlot], at: float = FIRST) -> bool:
    """Record that each of them was refused, of many videos; return whether a pause is on."""
    for slot in slots:
        monitor.record_refusal(slot, REFUSED, at, MANY)
    return is_paused(monitor)


def accept(monitor: AuthMonitor, slots: list[PollSlot], at: float = 0.0) -> None:
    for slot in slots:
        monitor.record_accepted(slot, at)


def test_a_pause_and_its_end_are_reported(monitor: AuthMonitor, metrics: Metrics) -> None:
    gauge = "notifier_gateway_paused", "main"
    slot = PollSlot("only")
    assert values(metrics)[gauge] == 0

    with capture_logs() as logs:
        monitor.record_refusal(slot, REFUSED, FIRST, 1)
        assert monitor.pause is not None
        assert monitor.pause.refusal is REFUSED
        assert values(metrics)[gauge] == 1
        assert monitor.record_accepted(slot, FIRST + 1)
    assert not is_paused(monitor)
    assert values(metrics)[gauge] == 0
    paused, resumed = logs
    assert (paused["event"], paused["outcome"]) == ("gateway_paused", "http_403")
    assert (paused["detail"], paused["next_try_in"]) == ("no access", 60)
    assert "api_key" in paused["hint"]
    assert (resumed["event"], resumed["outcome"]) == (
        "gateway_resumed",
        "the key is accepted again",
    )
    assert not monitor.record_accepted(slot, FIRST + 2)


def test_a_pause_knows_the_latest_refusal(monitor: AuthMonitor) -> None:
    later = Unauthorized(401, "expired")
    monitor.record_refusal(PollSlot("a"), REFUSED, FIRST, 1)
    monitor.record_refusal(PollSlot("b"), later, FIRST + 1, 2)
    assert monitor.pause is not None
    assert monitor.pause.refusal is later


async def test_a_pause_asks_only_about_videos_without_an_answer_since_the_first_refusal(
    monitor: AuthMonitor,
) -> None:
    assert not refuse(monitor, make_slots(ENOUGH))
    assert refuse(monitor, make_slots(1), SETTLED)
    assert monitor.pause is not None
    asked = PollSlot("asked")
    asked.task, asked.asked_at = trio.lowlevel.current_task(), FIRST + 1
    assert monitor.pause.choose([asked], SETTLED, rng()) is None


def test_no_pause_begins_before_enough_seconds_have_passed(monitor: AuthMonitor) -> None:
    slots = make_slots(ENOUGH)
    assert not refuse(monitor, slots)
    assert not refuse(monitor, slots, SETTLED - 0.1)
    assert refuse(monitor, slots, SETTLED)


def test_a_video_counts_once_however_often_it_is_refused(monitor: AuthMonitor) -> None:
    slot = PollSlot("a")
    for at in (FIRST, FIRST, FIRST + 1):
        monitor.record_refusal(slot, REFUSED, at, 2)
    assert monitor.pause is None


def test_answers_to_earlier_requests_do_not_count(monitor: AuthMonitor) -> None:
    only, other = make_slots(2)
    monitor.record_accepted(None, FIRST)
    monitor.record_refusal(only, REFUSED, FIRST - 1, 1)
    assert not is_paused(monitor)
    monitor.record_refusal(only, REFUSED, FIRST, 1)
    assert is_paused(monitor)
    assert not monitor.record_accepted(other, FIRST - 1)
    assert is_paused(monitor)
    assert monitor.record_accepted(other, FIRST)


def test_the_videos_that_the_key_was_good_for_decide(monitor: AuthMonitor) -> None:
    good, foreign = make_slots(30), make_slots(ENOUGH)
    accept(monitor, good)
    refuse(monitor, foreign)
    assert not refuse(monitor, good[: ENOUGH - 1], SETTLED)
    assert refuse(monitor, good[:ENOUGH], SETTLED)


def test_a_good_video_that_is_removed_is_not_waited_for(monitor: AuthMonitor) -> None:
    good, foreign = make_slots(2), make_slots(ENOUGH)
    accept(monitor, good)
    refuse(monitor, foreign)
    assert not refuse(monitor, foreign, SETTLED)
    for slot in good:
        monitor.remove(slot)
    assert refuse(monitor, foreign, SETTLED)


def test_a_refused_video_that_is_removed_is_no_evidence(monitor: AuthMonitor) -> None:
    first, *others = make_slots(ENOUGH)
    refuse(monitor, [first, *others])
    monitor.remove(first)
    assert (first.accepted, first.refused_at) == (False, -math.inf)
    assert not refuse(monitor, others, SETTLED)
    assert refuse(monitor, [first], SETTLED)


def test_a_good_video_that_was_refused_and_is_removed_is_no_evidence(monitor: AuthMonitor) -> None:
    good = make_slots(30)
    accept(monitor, good)
    refuse(monitor, make_slots(5))
    refuse(monitor, good[:ENOUGH])
    monitor.remove(good[0])
    assert not good[0].accepted
    assert not refuse(monitor, good[1:ENOUGH], SETTLED)
    assert refuse(monitor, good[ENOUGH : ENOUGH + 1], SETTLED)


def test_a_video_removed_before_any_refusal_leaves_no_evidence(monitor: AuthMonitor) -> None:
    monitor.remove(PollSlot("never refused"))
    slots = make_slots(ENOUGH)
    refuse(monitor, slots)
    assert not refuse(monitor, slots[1:], SETTLED - 1)
    assert refuse(monitor, slots[1:], SETTLED)


def test_nothing_is_known_of_a_changed_key(monitor: AuthMonitor) -> None:
    good = make_slots(ENOUGH)
    accept(monitor, good)
    assert not monitor.reset(good, FIRST)
    assert not any(slot.accepted for slot in good)
    assert not refuse(monitor, make_slots(ENOUGH), FIRST - 1)
    refuse(monitor, make_slots(ENOUGH), FIRST)
    assert refuse(monitor, good[:1], SETTLED)
    with capture_logs() as logs:
        assert monitor.reset(good, SETTLED + 1)
    assert logs == []
    assert not is_paused(monitor)
