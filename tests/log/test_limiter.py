"""Limits on log lines: a peer fills no log, and what is left out is counted."""

from hypothesis import given
from hypothesis import strategies as st

from notifier.log.limiter import PROGRESS, TROUBLE, LineLimiter, cause_of, rate_of

CAUSE = cause_of("warning", "poll", {"gateway": "main", "outcome": "http_500", "video_id": "v"})


def test_a_burst_is_written_whole_and_then_a_line_every_few_seconds() -> None:
    limiter = LineLimiter()
    written = [limiter.admits(CAUSE, TROUBLE, number / 10) for number in range(36_000)]
    assert all(written[: TROUBLE.burst])
    assert sum(written) <= TROUBLE.burst + 3600 / TROUBLE.seconds + 1
    assert limiter.suppressed() == {CAUSE: len(written) - sum(written)}
    assert limiter.suppressed() == {}


def test_a_peer_makes_no_new_causes_by_changing_its_status() -> None:
    causes = {cause_of("error", "attempt", {"outcome": f"http_{n}"}) for n in range(300, 600)}
    assert len(causes) == 3


def test_a_quiet_cause_has_its_burst_again() -> None:
    limiter = LineLimiter()
    for _ in range(100):
        limiter.admits(CAUSE, TROUBLE, 0)
    later = TROUBLE.burst * TROUBLE.seconds
    assert all(limiter.admits(CAUSE, TROUBLE, later) for _ in range(TROUBLE.burst))


def test_one_cause_takes_no_lines_from_another() -> None:
    limiter = LineLimiter()
    for _ in range(100):
        limiter.admits(CAUSE, TROUBLE, 0)
    assert limiter.admits(cause_of("warning", "poll", {"gateway": "other"}), TROUBLE, 0)


@given(st.lists(st.tuples(st.text(), st.floats(0, 1000)), max_size=500))
def test_every_line_is_written_or_counted(lines: list[tuple[str, float]]) -> None:
    limiter, now, written, counted = LineLimiter(), 0.0, 0, 0
    for name, wait in lines:
        now += wait
        written += limiter.admits(cause_of("error", "x", {"gateway": name}), TROUBLE, now)
        if wait > 900:
            counted += sum(limiter.suppressed().values())
    assert written + counted + sum(limiter.suppressed().values()) == len(lines)


def test_made_up_causes_share_one_limit_once_they_are_many() -> None:
    limiter = LineLimiter()
    causes = [cause_of("error", "x", {"outcome": str(number)}) for number in range(10_000)]
    assert sum(limiter.admits(cause, TROUBLE, 0) for cause in causes) < 300


def test_trouble_and_progress_are_limited_and_our_own_steps_are_not() -> None:
    assert rate_of("warning", "anything") == rate_of("error", "anything") == TROUBLE
    assert rate_of("info", "poll") == PROGRESS
    assert rate_of("info", "event") is None
    assert rate_of("debug", "poll") is None
