"""Following the store: nothing is shown twice, nothing is missed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from notifier.model.delivery import AttemptRecord, DeadLetter, Delivered, RetryAt
from notifier.model.views import OutcomeView
from notifier.store import InlineExecutor, Store
from notifier.store.engine import Engine
from notifier.store.tailing import TailPosition, tail_end, tail_news
from tests.builders import START, Time, listing, memory_database, new_event, snapshot, spec
from tests.store.pruned import pruned

pytestmark = pytest.mark.usefixtures("each_engine")

DONE = AttemptRecord(START, 12, "delivered", 204)
FAILED = AttemptRecord(START, 12, "http_500", 500)


@dataclass
class Tail:
    """One who follows a store, and the store."""

    time: Time = field(default_factory=Time)
    database: Engine = field(default_factory=memory_database)
    position: TailPosition = field(default_factory=TailPosition)
    videos: int = 0

    def __post_init__(self) -> None:
        self.store = Store(self.database, InlineExecutor(), self.time)
        self.position = self.database.transact(tail_end, self.time())

    def look(self) -> tuple[list[str], Sequence[OutcomeView]]:
        """Return the ids of the new events, and the new outcomes."""
        news = self.database.transact(tail_news, self.position, self.time())
        self.position = news.position
        return [event.id for event in news.events], news.outcomes

    async def end(self, *endpoints: str) -> str:
        """Record the end of another video; return the event's id."""
        self.videos += 1
        name = f"video_{self.videos}"
        (watch,) = await self.store.sync_watches([listing(spec(name), source=name)], [])
        event = new_event(f"evt_{self.videos}", endpoints)
        assert await self.store.record_ending(watch.row, event, snapshot(video_id=name))
        return event.id


async def test_each_event_is_new_once() -> None:
    tail = Tail()
    assert tail.look() == ([], [])
    first, second = await tail.end("app"), await tail.end()
    assert tail.look() == ([first, second], [])
    assert tail.look() == ([], [])
    third = await tail.end("app")
    assert tail.look() == ([third], [])


async def test_what_was_there_before_is_not_new() -> None:
    before = Tail()
    await before.end("app")
    tail = Tail(before.time, before.database)
    assert tail.look() == ([], [])
    assert TailPosition() != tail.position
    from_the_start = Tail(before.time, before.database)
    from_the_start.position = TailPosition()
    assert from_the_start.look()[0] == ["evt_1"]


async def test_every_attempt_is_an_outcome_once_it_has_one() -> None:
    tail = Tail()
    event = await tail.end("app")
    (claim,) = await tail.store.claim_due("app", 1)
    assert tail.look() == ([event], [])  # under way

    await tail.store.record_attempt(claim, FAILED, RetryAt(START + 30), None)
    _, (failed,) = tail.look()
    assert (failed.event_id, failed.endpoint, failed.state) == (event, "app", "pending")
    assert failed.attempt is not None
    assert (failed.attempt.number, failed.attempt.outcome) == (1, "http_500")
    assert failed.next_attempt_at == START + 30
    assert tail.look() == ([], [])

    tail.time.at += 30
    (claim,) = await tail.store.claim_due("app", 1)
    await tail.store.record_attempt(claim, DONE, Delivered(), None)
    _, (delivered,) = tail.look()
    assert (delivered.state, delivered.next_attempt_at) == ("delivered", None)
    assert delivered.attempt is not None
    assert delivered.attempt.number == 2
    assert tail.look() == ([], [])


async def test_attempts_that_are_seen_together_have_each_its_own_outcome() -> None:
    tail = Tail()
    await tail.end("app")
    for settlement in (RetryAt(START), DeadLetter("attempt 2 of 2")):
        (claim,) = await tail.store.claim_due("app", 1)
        await tail.store.record_attempt(claim, FAILED, settlement, None)
    states = [(each.state, each.reason) for each in tail.look()[1]]
    assert states == [("pending", ""), ("dead", "attempt 2 of 2")]


async def test_attempts_that_end_in_another_order_than_they_began_are_all_seen() -> None:
    tail = Tail()
    for _ in range(3):
        await tail.end("app")
    claims = await tail.store.claim_due("app", 3)
    tail.look()
    seen = []
    for claim in reversed(claims):
        await tail.store.record_attempt(claim, DONE, Delivered(), None)
        seen += [outcome.event_id for outcome in tail.look()[1]]
    assert seen == ["evt_3", "evt_2", "evt_1"]


async def test_the_outcome_of_an_attempt_that_was_under_way_at_first_is_seen() -> None:
    before = Tail()
    await before.end("app")
    (claim,) = await before.store.claim_due("app", 1)
    tail = Tail(before.time, before.database)
    await tail.store.record_attempt(claim, FAILED, DeadLetter("attempt 1 of 1"), None)
    _, (outcome,) = tail.look()
    assert (outcome.state, outcome.reason) == ("dead", "attempt 1 of 1")


async def test_an_attempt_that_a_crash_cut_off_is_seen_as_interrupted() -> None:
    tail = Tail()
    await tail.end("app")
    await tail.store.claim_due("app", 1)
    tail.look()
    await tail.store.release_interrupted()
    _, (outcome,) = tail.look()
    assert outcome.attempt is not None
    assert outcome.attempt.outcome == "interrupted"


async def test_a_delivery_that_is_cancelled_without_an_attempt_is_seen_once() -> None:
    tail = Tail()
    await tail.end("app", "gone")
    tail.look()
    await tail.store.reconcile_endpoints({"app": "mark"})
    _, (outcome,) = tail.look()
    assert (outcome.endpoint, outcome.state, outcome.attempt) == ("gone", "cancelled", None)
    assert tail.look() == ([], [])


async def test_a_clock_that_is_set_hides_no_event_and_repeats_none() -> None:
    tail = Tail()
    await tail.end()
    assert tail.look() == (["evt_1"], [])
    for number, step in enumerate((-3600, -1, 7200, -100_000, 0), 2):
        tail.time.at += step
        await tail.end()
        assert tail.look() == ([f"evt_{number}"], [])
        assert tail.look() == ([], [])


async def test_row_numbers_that_are_used_again_after_pruning_hide_nothing() -> None:
    tail = Tail()
    for _ in range(5):
        await tail.end()
    tail.look()
    tail.time.at += 100
    await pruned(tail.store, tail.time.at - 1)
    await tail.end()  # the first row number again
    assert tail.look() == (["evt_6"], [])
    assert tail.look() == ([], [])
