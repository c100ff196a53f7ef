"""What an answer means for a watch: the rules of its life, without clock or network."""

from typing import NamedTuple

import pytest

from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.event import EventType
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.model.watch import Watch, WatchKey, WatchSpec
from notifier.polling.lifecycle import (
    PollRules,
    TerminalState,
    WatchMemory,
    next_poll,
    terminal_state,
)
from notifier.schedule.poll_intervals import PollIntervals
from tests.builders import rng, snapshot


class NextPoll(NamedTuple):
    """What `next_poll` returns."""

    delay: float
    earliest: float


RULES = PollRules(PollIntervals(20, 5), not_found_grace=120, give_up_after=1_000_000)
WATCH = Watch(1, WatchSpec(WatchKey("main", "video_1")), taken_at=0)
TROUBLE = PollError("http_500", status=500)
MISSING = NotFound("no such video")
RUNNING = Seen(snapshot(Status.IN_PROGRESS))


def step(
    answer: Answer, memory: WatchMemory | None = None, now: float = 0, rules: PollRules = RULES
) -> tuple[WatchMemory, NextPoll | TerminalState]:
    return decide(memory or WatchMemory(), answer, rules, now, now)


def decide(
    memory: WatchMemory, answer: Answer, rules: PollRules, asked_at: float, now: float
) -> tuple[WatchMemory, NextPoll | TerminalState]:
    memory = memory.after(answer, now)
    deadline = rules.deadline(WATCH)
    finish = terminal_state(memory, answer, WATCH, rules, asked_at=asked_at, now=now)
    usual = 18 if isinstance(answer, Seen) else None
    return memory, finish or NextPoll(
        *next_poll(memory, answer, rules, usual, deadline=deadline, now=now, rng=rng())
    )


def after(*answers: tuple[float, Answer], rules: PollRules = RULES) -> tuple[WatchMemory, object]:
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
    rules = PollRules(PollIntervals(20, 5), 120, give_up_after=100)
    _, before = step(answer, now=99, rules=rules)
    _, last = step(answer, now=100, rules=rules)
    assert isinstance(before, NextPoll)
    assert isinstance(last, TerminalState)
    assert last.type is EventType.TIMED_OUT


def test_a_watch_is_given_up_by_its_own_time_if_it_has_one() -> None:
    own = Watch(1, WatchSpec(WATCH.key, give_up_after=50), taken_at=1_000)
    assert RULES.deadline(own) == 1_050
    assert RULES.deadline(Watch(1, WatchSpec(WATCH.key), taken_at=1_000)) == 1_001_000


def test_a_request_that_was_made_before_the_deadline_does_not_count_as_one_after_it() -> None:
    rules = PollRules(PollIntervals(20, 5), 120, give_up_after=100)
    _, last = decide(WatchMemory(), TROUBLE, rules, asked_at=99, now=129)
    assert last == NextPoll(5, 5)


def test_a_job_that_ended_is_not_timed_out_however_late_the_answer_comes() -> None:
    rules = PollRules(PollIntervals(20, 5), 120, give_up_after=100)
    _, last = step(Seen(snapshot(Status.COMPLETED)), now=1e6, rules=rules)
    assert isinstance(last, TerminalState)
    assert last.type is EventType.COMPLETED


def test_the_last_poll_before_the_deadline_is_followed_by_one_right_after_it() -> None:
    rules = PollRules(PollIntervals(20, 5), 120, give_up_after=110)
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


def test_each_way_to_end_says_why() -> None:
    known = Seen(snapshot(Status.IN_PROGRESS, model="sora-2"))
    _, ended = step(Seen(snapshot(Status.COMPLETED, word="succeeded")))
    _, lost = after((0, MISSING), (60, MISSING), (125, MISSING))
    _, over = after((0, known), (1_000_000, TROUBLE))
    assert isinstance(ended, TerminalState)
    assert isinstance(lost, TerminalState)
    assert isinstance(over, TerminalState)
    assert ended.reason == "the gateway said 'succeeded'"
    assert lost.reason == "the gateway did not find the video 3 times in 125 s"
    assert over.reason == "no terminal status within give_up_after"
    assert over.snapshot.model == "sora-2"


def test_an_error_does_not_end_a_watch_as_lost_once_the_grace_is_over() -> None:
    _, last = after((0, MISSING), (60, MISSING), (119, MISSING), (121, TROUBLE))
    assert isinstance(last, NextPoll)


def test_the_grace_counts_from_the_first_denial_at_any_time_of_day() -> None:
    _, last = after((9_000, MISSING), (9_010, MISSING), (9_119, MISSING))
    assert last == NextPoll(5, 5)


def test_a_video_that_was_not_found_is_asked_about_when_its_grace_ends() -> None:
    _, last = after((0, MISSING), (110, MISSING))
    assert last == NextPoll(10, 10)


def test_an_error_during_the_grace_is_backed_off_from() -> None:
    _, last = after((0, MISSING), (119, TROUBLE))
    assert isinstance(last, NextPoll)
    assert last.delay > 10


def test_a_deadline_that_has_passed_is_followed_up_after_the_shortest_interval() -> None:
    rules = PollRules(PollIntervals(1, 0.1), 120, give_up_after=100)
    _, last = decide(WatchMemory(), TROUBLE, rules, asked_at=99, now=129)
    assert last == NextPoll(0.1, 0.1)


@pytest.mark.parametrize("answer", [TROUBLE, MISSING, Seen(snapshot(), wait=30)])
def test_only_the_schedules_own_wait_may_be_cut_short_by_a_piggybacked_answer(
    answer: Answer,
) -> None:
    _, last = step(answer)
    assert isinstance(last, NextPoll)
    assert last.earliest == last.delay


def test_a_denial_ends_a_run_of_errors_and_a_good_answer_ends_both() -> None:
    memory, _ = after((0, TROUBLE), (1, TROUBLE), (2, MISSING))
    assert (memory.failures, memory.missing_count) == (0, 1)
    seen = Seen(snapshot())
    assert after((0, seen), (1, TROUBLE), (2, seen))[0] == WatchMemory(seen.snapshot)
    assert after((0, seen), (1, MISSING), (2, seen))[0] == WatchMemory(seen.snapshot)


def test_an_answer_with_the_same_snapshot_leaves_the_memory_as_it_is() -> None:
    seen = Seen(snapshot())
    memory = WatchMemory(seen.snapshot)
    assert memory.after(seen, 0) is memory


IN_PROGRESS = WatchMemory(snapshot(progress=10))


@pytest.mark.parametrize(
    ("memory", "answer", "confirmed"),
    [
        (IN_PROGRESS, Seen(snapshot(progress=90)), True),
        (IN_PROGRESS, Seen(snapshot(Status.QUEUED)), False),
        (IN_PROGRESS, Seen(snapshot(Status.COMPLETED, word="in_progress")), False),
        (IN_PROGRESS, MISSING, False),
        (IN_PROGRESS, TROUBLE, False),
        (WatchMemory(), RUNNING, False),
        (WatchMemory(IN_PROGRESS.snapshot, failures=1), RUNNING, False),
        (WatchMemory(IN_PROGRESS.snapshot, 0, missing_count=1), RUNNING, False),
    ],
)
def test_an_answer_confirms_what_is_known_if_it_says_that_the_job_goes_on_as_before(
    memory: WatchMemory, answer: Answer, *, confirmed: bool
) -> None:
    after = memory.after_confirmation(answer)
    assert after == (memory.after(answer, 0.0) if confirmed else None)


def test_the_snapshot_itself_confirms_what_is_known_even_at_the_end() -> None:
    done = snapshot(Status.COMPLETED)
    memory = WatchMemory(done)
    assert memory.after_confirmation(Seen(done)) is memory


@pytest.mark.parametrize(
    ("before", "now", "stored"),
    [
        (snapshot(), None, True),
        (snapshot(), snapshot(progress=9), False),
        (snapshot(progress=10), snapshot(progress=19), False),
        (snapshot(progress=9), snapshot(progress=10), True),
        (snapshot(progress=99), snapshot(progress=100), True),
        (snapshot(Status.QUEUED), snapshot(), True),
        (snapshot(), snapshot(model="sora-2"), True),
    ],
)
def test_progress_is_stored_at_every_ten_percent_and_what_lasts_at_once(
    before: Snapshot, now: Snapshot | None, *, stored: bool
) -> None:
    first, second = WatchMemory(before), WatchMemory(now)
    assert second.is_to_be_stored_after(first) is stored


def test_a_run_of_denials_is_stored_at_once() -> None:
    memory = WatchMemory(snapshot())
    denied = memory.after(MISSING, 0)
    assert denied.is_to_be_stored_after(memory)
    assert denied.after(MISSING, 1).is_to_be_stored_after(denied)
