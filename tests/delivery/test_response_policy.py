"""What follows from a response: every status and every failure, by format."""

import pytest

from notifier.delivery.response_policy import Response, ResponsePolicy
from notifier.http_client import KINDS
from notifier.model.delivery import (
    NOT_RENDERED,
    DeadLetter,
    Delivered,
    Format,
    Hold,
    RetryAt,
    Settlement,
)
from tests.builders import rng

SCHEDULE = (5.0, 300.0, 1800.0)
STATUSES = [100, *range(200, 227), *range(300, 309), *range(400, 452), *range(500, 512), 599]


FINAL = {
    Format.SLACK: {400, 403, 404},
    Format.DISCORD: {400, 401, 403, 404, 413},
    Format.TEAMS: {400, 401, 403, 404, 413},
}
"""The statuses that no retry will change; of every other format it is a code or nothing."""

CODES = {
    Format.TEAMS: {"400": True, "413": True, "429": False, "500": False},
    Format.FEISHU: {"19001": True, "19021": True, "19022": True, "19024": True}
    | {"11232": False, "9499": False, "unreadable": False},
    Format.DINGTALK: {"310000": True, "300001": True, "400013": True, "400101": True}
    | {"400102": True, "430101": True, "410100": False, "130101": False, "-1": False},
    Format.WECOM: {"93000": True, "40008": True, "40058": True, "45002": True}
    | {"45009": False, "-1": False},
}
"""The refusals that services state in the body of a 200, and whether they are final."""


@pytest.mark.parametrize(
    ("form", "code", "final"),
    [(form, code, final) for form, codes in CODES.items() for code, final in codes.items()],
)
def test_every_refusal_inside_a_200_has_its_consequence(
    form: Format, code: str, final: bool
) -> None:
    response = Response(f"refused_{code}", 200, code=code)
    settlement = ResponsePolicy(form, SCHEDULE).settle(response, 0, now=1000, rng=rng())
    assert isinstance(settlement, DeadLetter if final else RetryAt)


def test_a_template_that_makes_no_message_is_a_dead_letter_at_once() -> None:
    response = Response(NOT_RENDERED, detail="'vidoe' is undefined (line 3)")
    settlement = ResponsePolicy(Format.TEMPLATE, SCHEDULE).settle(response, 0, now=0, rng=rng())
    reason = "the template made no message: 'vidoe' is undefined (line 3)"
    assert settlement == DeadLetter(reason)


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
    refuses = status in FINAL.get(form, set())
    expected: type[Settlement]
    if 200 <= status < 300:
        expected = Delivered
    elif status == 410:
        expected = Hold
    elif refuses:
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


def test_without_a_retry_after_a_wait_may_be_shorter_than_a_second() -> None:
    policy = ResponsePolicy(Format.STANDARD, (0.1,))
    settlement = policy.settle(Response("http_500", 500), 0, now=1000, rng=rng())
    assert isinstance(settlement, RetryAt)
    assert settlement.at < 1000.2


def test_410_is_the_reason_of_its_hold() -> None:
    policy = ResponsePolicy(Format.STANDARD, SCHEDULE)
    settlement = policy.settle(Response("http_410", 410), 0, now=1000, rng=rng())
    assert settlement == Hold("the receiver answered 410 Gone")
