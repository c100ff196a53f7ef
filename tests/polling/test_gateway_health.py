"""What is known of a gateway and of its videos: state, last answer, last error, since when."""

import pytest
import trio
from trio.testing import MockClock

from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.condition import GatewayState, LastPoll
from notifier.polling.gateway_health import GatewayHealth
from tests.builders import snapshot
from tests.polling.schedulers import Gateway, ask, make_scheduler

DOWN = PollError("connect", "connection refused")
LIMITED = PollError("http_429", "slow down", status=429)


@pytest.mark.parametrize(
    "answer",
    [
        Seen(snapshot()),
        NotFound("no such video"),
        Unauthorized(403),
        PollError("no_video", status=200),
        PollError("http_400", status=400),
    ],
)
def test_whatever_the_api_says_is_an_answer(answer: Answer) -> None:
    health = GatewayHealth(0)
    for now in (10, 20, 30):
        health.record(answer, now)
    condition = health.condition(None)
    assert (condition.state, condition.since, condition.last_answer_at) == ("ok", 0, 30)


@pytest.mark.parametrize(
    "answer",
    [
        DOWN,
        PollError("timeout"),
        PollError("http_503", status=503),
        PollError("http_404", "Not Found", status=404),
        PollError("html", status=200),
        PollError("html", status=403),
        PollError("broken_json", status=200),
    ],
)
def test_three_requests_without_an_answer_make_it_failing_since_the_first(answer: Answer) -> None:
    health = GatewayHealth(0)
    for now in (10, 20):
        health.record(answer, now)
    assert health.condition(None).state is GatewayState.OK
    health.record(answer, 30)
    condition = health.condition(None)
    assert (condition.state, condition.since, condition.last_answer_at) == ("failing", 10, None)


def test_the_first_answer_ends_the_failure_and_the_error_is_still_known() -> None:
    health = GatewayHealth(0)
    for now in (10, 20, 30):
        health.record(DOWN, now)
    health.record(Seen(snapshot()), 40)
    condition = health.condition(None)
    assert (condition.state, condition.since, condition.last_answer_at) == ("ok", 40, 40)
    assert (condition.last_error, condition.last_error_at) == ("connect: connection refused", 30)


def test_a_gateway_is_limited_from_the_first_429_until_it_answers() -> None:
    health = GatewayHealth(0)
    for now in (10, 20, 30):
        health.record(LIMITED, now)
    assert health.condition(None).state is GatewayState.LIMITED
    assert health.condition(None).since == 10
    health.record(Seen(snapshot()), 40)
    assert health.condition(None).state is GatewayState.OK


def test_a_pause_comes_before_a_failure_and_a_failure_before_a_limit() -> None:
    health = GatewayHealth(0)
    health.record(LIMITED, 5)
    for now in (10, 20, 30):
        health.record(DOWN, now)
    assert health.condition(None).state is GatewayState.FAILING
    assert health.condition(35).state is GatewayState.PAUSED
    assert health.condition(35).since == 35


async def test_a_scheduler_knows_its_gateway_and_when_each_video_was_asked_about(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    gateway.answers = {"bad": DOWN}
    scheduler = make_scheduler(nursery, gateway)
    assert scheduler.condition().state is GatewayState.OK
    assert scheduler.condition().last_answer_at is None
    assert scheduler.last_poll("bad") is None

    await trio.sleep(5)
    for _ in range(3):
        await ask(scheduler, "bad")

    condition = scheduler.condition()
    assert (condition.state, condition.last_answer_at) == ("failing", None)
    assert condition.last_error == "connect: connection refused"
    last = scheduler.last_poll("bad")
    assert last is not None
    assert (round(last.at), last.outcome) == (5, "connect: connection refused")

    await trio.sleep(5)
    await ask(scheduler, "good")
    assert scheduler.condition().state is GatewayState.OK
    assert scheduler.last_poll("good") == LastPoll(trio.current_time(), "")
