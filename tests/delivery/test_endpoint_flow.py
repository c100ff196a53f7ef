"""Flow control of one endpoint, claim by claim."""

from collections.abc import Sequence

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.delivery.attempt import FinishedAttempt, Result
from notifier.delivery.circuit import OPENS_AFTER
from notifier.delivery.endpoint_flow import EndpointFlow, LaneRules
from notifier.errors import StoreError
from notifier.model.delivery import AttemptRecord, Claim, Delivered
from tests.builders import START, rng
from tests.delivery.lanes import HEALTHY, steady_clock

MOST = 100


def claim(number: int) -> Claim:
    return Claim(number, "app", f"evt_{number}", "video.completed", {}, b"{}", START, 1, 0)


class Due:
    """A store with an endless backlog, which keeps what was claimed and taken back."""

    def __init__(self) -> None:
        self.claimed: list[int] = []
        self.released: list[int] = []
        self.broken = False

    async def claim_due(self, endpoint: str, limit: int) -> list[Claim]:
        first = sum(self.claimed)
        self.claimed.append(limit)
        return [claim(first + number) for number in range(limit)]

    async def next_due(self, endpoint: str) -> float | None:
        return None

    async def release(self, claims: Sequence[Claim]) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        self.released += [each.delivery for each in claims]


class Peer:
    """Makes attempts that take no time and end as `delivered` says."""

    def __init__(self) -> None:
        self.delivered: bool | None = True
        self.retry_after: float | None = None

    async def attempt(self, claim: Claim) -> FinishedAttempt:
        result = Result(self.delivered, self.retry_after)
        record = AttemptRecord(START, 1, "any")
        return FinishedAttempt(result, claim, record, Delivered(), HEALTHY, None)


class Parts:
    def __init__(self, concurrency: int = 2, per_second: float | None = None) -> None:
        self.due, self.peer = Due(), Peer()
        self.rules = LaneRules("app", concurrency, per_second)
        self.flow = EndpointFlow(self.rules, self.peer, self.due, clock=steady_clock(), rng=rng())

    async def attempt(self, times: int) -> float:
        """Make so many attempts, one after the other; return the seconds that they took."""
        began = trio.current_time()
        for number in range(times):
            await self.flow.attempt(claim(number))
        return trio.current_time() - began

    async def going_well(self) -> None:
        """Be where claims are made ahead, with some in hand."""
        await self.attempt(20)
        await self.flow.claim(0, MOST)


async def test_a_rate_limit_changes_with_the_rules(autojump_clock: MockClock) -> None:
    parts = Parts()
    assert await parts.attempt(3) == 0
    parts.flow.change(LaneRules("app", 2, 0.5), new_url=False)
    assert await parts.attempt(3) == pytest.approx(4)
    parts.flow.change(LaneRules("app", 2), new_url=False)
    assert await parts.attempt(3) == 0


async def test_a_rate_limit_that_stays_goes_on_counting(autojump_clock: MockClock) -> None:
    parts = Parts(per_second=0.5)
    await parts.attempt(1)
    parts.flow.change(LaneRules("app", 7, 0.5), new_url=False)
    assert await parts.attempt(1) == pytest.approx(2)


async def test_a_closed_circuit_can_open_again(autojump_clock: MockClock) -> None:
    parts = Parts()
    parts.peer.delivered = False
    await parts.attempt(OPENS_AFTER)
    assert parts.flow.is_failing
    parts.flow.change(parts.rules, new_url=True)
    opened_again = [parts.flow.is_failing]
    await parts.attempt(OPENS_AFTER)
    opened_again.append(parts.flow.is_failing)
    assert opened_again == [False, True]


async def test_an_open_circuit_lets_one_probe_out_when_the_endpoint_asked_for_it(
    autojump_clock: MockClock,
) -> None:
    parts = Parts()
    parts.peer.delivered, parts.peer.retry_after = False, 120.0
    with capture_logs() as logs:
        await parts.attempt(OPENS_AFTER)
        claimed = await parts.flow.claim(0, MOST)
        assert claimed.claims == []
        assert claimed.pause == pytest.approx(120)
        await trio.sleep(121)
        assert len((await parts.flow.claim(0, MOST)).claims) == 1
        parts.peer.delivered = True
        await parts.attempt(1)
    failing, answers = logs
    assert (failing["event"], failing["next_probe_in"]) == ("endpoint_failing", 120.0)
    assert answers["event"] == "endpoint_answers_again"


async def test_no_more_is_claimed_than_there_is_room_for(autojump_clock: MockClock) -> None:
    parts = Parts(concurrency=9)
    assert len((await parts.flow.claim(0, 4)).claims) == 4
    assert len((await parts.flow.claim(4, MOST)).claims) == 5
    assert (await parts.flow.claim(9, MOST)).claims == []
    assert parts.due.claimed == [4, 5]


async def test_a_claim_made_ahead_begins_only_within_the_concurrency(
    autojump_clock: MockClock,
) -> None:
    parts = Parts()
    await parts.going_well()
    assert parts.flow.next(2) is None
    assert parts.flow.next(1) == claim(2)
    assert parts.flow.next(1) == claim(3)


async def test_a_full_lane_claims_ahead_again_when_half_is_gone(autojump_clock: MockClock) -> None:
    parts = Parts()
    await parts.going_well()
    assert parts.due.claimed == [22]
    for _ in range(9):
        parts.flow.next(1)
    await parts.flow.claim(2, MOST)
    assert parts.due.claimed == [22]
    parts.flow.next(1)
    await parts.flow.claim(2, MOST)
    assert parts.due.claimed == [22, 10]


async def test_claims_that_cannot_be_taken_back_are_taken_back_later(
    autojump_clock: MockClock,
) -> None:
    parts = Parts()
    await parts.going_well()
    parts.due.broken = True
    with pytest.raises(StoreError):
        await parts.flow.release()
    parts.due.broken = False
    await parts.flow.release()
    assert parts.due.released == list(range(2, 22))


async def test_a_failure_ends_claiming_ahead_until_all_goes_well_again(
    autojump_clock: MockClock,
) -> None:
    parts = Parts()
    await parts.going_well()
    parts.peer.delivered = False
    await parts.attempt(1)
    assert parts.flow.next(1) is None
    assert len((await parts.flow.claim(0, MOST)).claims) == 2
    assert parts.due.released == list(range(2, 22))
    parts.peer.delivered = True
    await parts.going_well()
    assert parts.flow.next(1) is not None
