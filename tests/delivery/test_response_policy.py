"""What follows from a response: every status and every failure, by format."""

import pytest

from notifier.delivery.response_policy import Response, ResponsePolicy
from notifier.http_client import KINDS
from notifier.model.delivery import DeadLetter, Delivered, Format, Hold, RetryAt, Settlement
from tests.builders import rng

SCHEDULE = (5.0, 300.0, 1800.0)
STATUSES = [100, *range(200, 227), *range(300, 309), *range(400, 452), *range(500, 512), 599]


def outcome(
    status: int | None,
    form: Format = Format.STANDARD,
    *,
    failures: int = 0,
    retry_after: float | None = None,
) -> Settlement:
    response = Response("word", status, retry_after)
    return ResponsePolicy(form, SCHEDULE).settle(response, failures, now=1000, rng=rng())


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_its_consequence(form: Format, status: int) -> None:
    slack_refuses = form is Format.SLACK and status in {400, 403, 404}
    expected: type[Settlement]
    if 200 <= status < 300:
        expected = Delivered
    elif status == 410:
        expected = Hold
    elif slack_refuses:
        expected = DeadLetter
    else:
        expected = RetryAt
    assert isinstance(outcome(status, form), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", Format)
def test_no_complete_answer_is_always_retried(form: Format, kind: str) -> None:
    assert isinstance(outcome(None, form), RetryAt)


@pytest.mark.parametrize(("failures", "wait"), list(enumerate(SCHEDULE)))
def test_each_failure_waits_its_place_in_the_schedule_give_or_take_a_fifth(
    failures: int, wait: float
) -> None:
    settlement = outcome(500, failures=failures)
    assert isinstance(settlement, RetryAt)
    assert 1000 + wait * 0.8 <= settlement.at <= 1000 + wait * 1.2


def test_when_the_attempts_run_out_the_delivery_is_a_dead_letter_with_its_reason() -> None:
    settlement = outcome(500, failures=len(SCHEDULE))
    assert settlement == DeadLetter("attempt 4 of 4 ended with word")


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [(0, 4, 6), (60, 60, 60), (1e9, 86_400, 86_400), (None, 4, 6)],
)
def test_retry_after_only_ever_lengthens_the_wait_up_to_a_day(
    asked: float | None, low: float, high: float
) -> None:
    settlement = outcome(503, retry_after=asked)
    assert isinstance(settlement, RetryAt)
    assert low <= settlement.at - 1000 <= high


def test_a_dead_letter_says_what_the_receiver_answered() -> None:
    response = Response("http_400", 400, detail="no_service")
    settlement = ResponsePolicy(Format.SLACK, SCHEDULE).settle(response, 0, now=0, rng=rng())
    reason = "slack answered http_400, which no retry will change: no_service"
    assert settlement == DeadLetter(reason)
