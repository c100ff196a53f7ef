"""What an answer means for a watch: the rules of its life, without clock or network."""

import pytest

from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.event import EventType
from notifier.model.status import Status
from notifier.polling.lifecycle import (
    NextPoll,
    TerminalState,
    WatchMemory,
    WatchRules,
    next_poll,
    terminal_state,
)
from tests.builders import rng, snapshot

RULES = WatchRules(poll_interval=20, min_poll_interval=5, not_found_grace=120, deadline=1_000_000)
TROUBLE = PollError("http_500", status=500)
MISSING = NotFound("no such video")
RUNNING = Seen(snapshot(Status.IN_PROGRESS))


def step(
    answer: Answer, memory: WatchMemory | None = None, now: float = 0, rules: WatchRules = RULES
) -> tuple[WatchMemory, NextPoll | TerminalState]:
    return decide(memory or WatchMemory(), answer, rules, now, now)


def decide(
    memory: WatchMemory, answer: Answer, rules: WatchRules, asked_at: float, now: float
) -> tuple[WatchMemory, NextPoll | TerminalState]:
    memory = memory.after(answer, now)
    finish = terminal_state(memory, answer, "video_1", rules, asked_at=asked_at, now=now)
    usual = 18 if isinstance(answer, Seen) else None
    return memory, finish or next_poll(memory, answer, rules, usual, now=now, rng=rng())


def after(*answers: tuple[float, Answer], rules: WatchRules = RULES) -> tuple[WatchMemory, object]:
    """Feed answers at their times; return the memory and the last step."""
    memory, last = WatchMemory(), None
    for now, answer in answers:
        memory, last = step(answer, memory, now, rules)
    return memory, last


@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (Status.COMPLETED, EventType.COMPLETED),
        (Status.FAILED, EventType.FAILED),
        (Status.CANCELLED, EventType.CANCELLED),
    ],
)
def test_the_gateways_own_terminal_word_ends_a_watch(status: Status, type_: EventType) -> None:
    _, last = step(Seen(snapshot(status)))
    assert isinstance(last, TerminalState)
    assert last.type is type_


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS, None])
def test_any_other_word_does_not(status: Status | None) -> None:
    _, last = step(Seen(snapshot(status)))
    assert isinstance(last, NextPoll)


def test_a_running_job_is_asked_about_when_the_schedule_says() -> None:
    assert step(RUNNING)[1] == NextPoll(18, 9)


@pytest.mark.parametrize("answer", [TROUBLE, Unauthorized(401), Unauthorized(403)])
def test_no_error_ever_ends_a_watch_and_waits_grow_to_a_bound(answer: Answer) -> None:
    memory, delays = WatchMemory(), []
    for _ in range(50):
        memory, last = step(answer, memory)
        assert isinstance(last, NextPoll)
        delays.append(last.delay)
    assert delays[0] <= 24
    assert 48 <= delays[2] <= 96 + 1
    assert max(delays) <= 300 * 1.2


def test_a_good_answer_ends_the_backoff() -> None:
    memory, _ = after((0, TROUBLE), (1, TROUBLE), (2, TROUBLE), (3, RUNNING))
    assert memory.failures == 0


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [(1, 5, 5.5), (30, 30, 33), (600, 600, 600), (90_000, 600, 600)],
)
@pytest.mark.parametrize("kind", ["trouble", "seen"])
def test_what_the_gateway_asks_for_is_honoured_within_bounds(
    asked: float, low: float, high: float, kind: str
) -> None:
    answer = (
        PollError("http_429", wait=asked) if kind == "trouble" else Seen(snapshot(), wait=asked)
    )
    _, last = step(answer)
    assert isinstance(last, NextPoll)
    assert low <= last.delay <= high


def test_a_video_is_lost_after_three_denials_that_span_the_grace() -> None:
    _, early = after((0, MISSING), (60, MISSING), (119, MISSING))
    assert isinstance(early, NextPoll)
    _, last = after((0, MISSING), (60, MISSING), (120, MISSING))
    assert isinstance(last, TerminalState)
    assert last.type is EventType.LOST


def test_two_denials_are_not_enough_however_far_apart() -> None:
    _, last = after((0, MISSING), (10_000, MISSING))
    assert isinstance(last, NextPoll)


def test_an_answer_that_knows_the_video_starts_the_grace_anew() -> None:
    _, last = after((0, MISSING), (60, MISSING), (100, RUNNING), (200, MISSING))
    assert isinstance(last, NextPoll)
    memory, _ = after((0, MISSING), (60, RUNNING), (100, MISSING))
    assert (memory.missing_since, memory.missing_count) == (100, 1)


def test_trouble_between_denials_neither_counts_nor_resets() -> None:
    _, last = after((0, MISSING), (60, TROUBLE), (90, MISSING), (120, TROUBLE), (121, MISSING))
    assert isinstance(last, TerminalState)
    assert last.type is EventType.LOST


@pytest.mark.parametrize("answer", [RUNNING, TROUBLE, MISSING, Unauthorized(401)])
def test_a_watch_times_out_on_the_first_answer_after_its_deadline(answer: Answer) -> None:
    rules = WatchRules(20, 5, 120, deadline=100)
    _, before = step(answer, now=99, rules=rules)
    _, last = step(answer, now=100, rules=rules)
    assert isinstance(before, NextPoll)
    assert isinstance(last, TerminalState)
    assert last.type is EventType.TIMED_OUT


def test_a_request_that_was_made_before_the_deadline_does_not_count_as_one_after_it() -> None:
    rules = WatchRules(20, 5, 120, deadline=100)
    _, last = decide(WatchMemory(), TROUBLE, rules, asked_at=99, now=129)
    assert last == NextPoll(5, 5)


def test_a_job_that_ended_is_not_timed_out_however_late_the_answer_comes() -> None:
    rules = WatchRules(20, 5, 120, deadline=100)
    _, last = step(Seen(snapshot(Status.COMPLETED)), now=1e6, rules=rules)
    assert isinstance(last, TerminalState)
    assert last.type is EventType.COMPLETED


def test_the_last_poll_before_the_deadline_is_followed_by_one_right_after_it() -> None:
    rules = WatchRules(20, 5, 120, deadline=110)
    _, last = step(RUNNING, now=100, rules=rules)
    assert last == NextPoll(10, 5)


def test_a_lost_or_timed_out_watch_hands_on_the_last_thing_known() -> None:
    known = Seen(snapshot(Status.IN_PROGRESS, model="sora-2", progress=60))
    _, lost = after((0, known), (10, MISSING), (70, MISSING), (130, MISSING))
    assert isinstance(lost, TerminalState)
    assert (lost.snapshot.model, lost.snapshot.progress) == ("sora-2", 60)


def test_a_watch_that_never_heard_anything_hands_on_its_id() -> None:
    _, lost = after((0, MISSING), (60, MISSING), (120, MISSING))
    assert isinstance(lost, TerminalState)
    assert lost.snapshot.as_data()["id"] == "video_1"
    assert lost.snapshot.as_data()["status"] is None


def test_what_was_told_once_is_not_forgotten_by_a_terser_answer() -> None:
    early = Seen(snapshot(Status.QUEUED, model="sora-2", size="1280x720", created_at=1))
    _, last = after((0, early), (20, Seen(snapshot(Status.COMPLETED))))
    assert isinstance(last, TerminalState)
    assert (last.snapshot.model, last.snapshot.size) == ("sora-2", "1280x720")
