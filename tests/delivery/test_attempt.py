"""Recording attempts: which are announced and logged, and which records are shared."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.delivery import EndpointNotices
from notifier.delivery.attempt import AttemptRunner, DeliveryRules, FinishedAttempt, Result
from notifier.model.delivery import AttemptRecord, Claim, Delivered, Format, Hold, Settlement
from notifier.model.event import EventType, NewEvent
from notifier.model.health import Health
from tests.builders import START, new_event, rng
from tests.delivery.lanes import HEALTHY, NoTemplates, steady_clock

CLAIM = Claim(1, "app", "evt_1", "video.completed", {"video_id": "v"}, b"{}", START, 3, 0)
ATTEMPT = AttemptRecord(START, 12, "http_410", 410, "gone for good")
DISABLED = new_event("evt_2", ("ops",))._replace(type=EventType.ENDPOINT_DISABLED)


class Store(NoTemplates):
    """Keeps what is recorded; `has_notice` says whether the notice is new."""

    def __init__(self, *, has_notice: bool) -> None:
        self.has_notice = has_notice
        self.recorded: list[tuple[object, ...]] = []

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        self.recorded.append((claim, attempt, settlement, health, notice))
        return self.has_notice

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        self.recorded.append(tuple(made))


class Parts:
    def __init__(self, *, has_notice: bool = True, to_callbacks: bool = False) -> None:
        self.store, self.woken = Store(has_notice=has_notice), list[str]()
        notices = EndpointNotices(
            (), new_id=lambda: "evt_none", wall=lambda: START, wake=self.woken.extend
        )
        self.runner = AttemptRunner(
            DeliveryRules("app", Format.STANDARD, (5,), to_callbacks),
            None,  # type: ignore[arg-type]  # nothing is sent here
            self.store,
            notices,
            health=HEALTHY,
            clock=steady_clock(),
            rng=rng(),
        )


def finished(settlement: Settlement, notice: NewEvent | None = None) -> FinishedAttempt:
    result = Result(isinstance(settlement, Delivered), None)
    return FinishedAttempt(result, CLAIM, ATTEMPT, settlement, HEALTHY, notice)


async def test_a_notice_is_announced_once_it_is_recorded(autojump_clock: MockClock) -> None:
    parts = Parts()
    with capture_logs() as logs:
        await parts.runner.record(finished(Hold("410 Gone"), DISABLED))
    assert parts.store.recorded == [(CLAIM, ATTEMPT, Hold("410 Gone"), HEALTHY, DISABLED)]
    assert parts.woken == ["ops"]
    disabled, attempt = logs
    assert (disabled["event"], disabled["endpoint"]) == ("endpoint_disabled", "app")
    assert disabled["reason"] == "410 Gone"
    assert {
        "event": "attempt",
        "event_id": "evt_1",
        "type": "video.completed",
        "video_id": "v",
        "attempt": 3,
        "outcome": "http_410",
        "duration_ms": 12,
        "detail": "gone for good",
        "held": "410 Gone",
    }.items() <= attempt.items()


@pytest.mark.parametrize(("has_notice", "notice"), [(False, DISABLED), (True, None)])
async def test_what_is_no_new_notice_is_not_announced(
    autojump_clock: MockClock, notice: NewEvent | None, *, has_notice: bool
) -> None:
    parts = Parts(has_notice=has_notice)
    await parts.runner.record(finished(Hold("410 Gone"), notice))
    assert parts.woken == []


async def test_plain_successes_share_a_record(autojump_clock: MockClock) -> None:
    parts = Parts()
    recovered = finished(Delivered(), new_event("evt_3", ("ops",)))
    with capture_logs() as logs:
        await parts.runner.record_received(
            [finished(Delivered()), recovered, finished(Delivered())]
        )
    assert parts.store.recorded == [
        (CLAIM, ATTEMPT, Delivered(), HEALTHY, recovered.notice),
        ((CLAIM, ATTEMPT), (CLAIM, ATTEMPT)),
    ]
    attempts = [line for line in logs if line["event"] == "attempt"]
    assert [line["log_level"] for line in attempts] == ["info"] * 3


async def test_a_callback_says_nothing_about_the_endpoints_health(
    autojump_clock: MockClock,
) -> None:
    parts = Parts(to_callbacks=True)
    await parts.runner.record_received([finished(Delivered())])
    assert parts.store.recorded == [(CLAIM, ATTEMPT, Delivered(), None, None)]
