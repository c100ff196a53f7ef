"""Replay: which events are due again, for whom, and batch by batch."""

from collections.abc import Sequence

import pytest

from notifier.model.delivery import AttemptRecord, DeadLetter, Delivered, Format, Hold, Settlement
from notifier.model.event import EventType, NewEvent
from notifier.model.health import Health
from notifier.store import Store
from notifier.store.resending import REPLAY_BATCH, Recipient, Replay
from tests.builders import START, Time, listing, memory_store, new_event, snapshot, spec

pytestmark = pytest.mark.usefixtures("each_engine")

LATER = START + 1000
DONE = AttemptRecord(START, 12, "any")
HEALTH = Health("mark", START, START)


def to(endpoint: str = "app", *events: str) -> Recipient:
    return Recipient(endpoint, Format.STANDARD, events or ("video.*",))


def render(body: bytes, form: str) -> bytes:
    return b"%s of %s" % (form.encode(), body)


async def with_events(
    time: Time, *event_ids: str, endpoints: tuple[str, ...] = ("app",), every: float = 0
) -> Store:
    """Return a store with events, recorded `every` so many seconds."""
    store = memory_store(time)
    specs = [spec(f"video_{number}") for number in range(len(event_ids))]
    watches = await store.sync_watches([listing(*specs)], [])
    for watch, event_id in zip(watches, event_ids, strict=True):
        event = new_event(event_id, endpoints, event_id.encode())
        await store.record_ending(watch.row, event, snapshot())
        time.at += every
    return store


async def settle(store: Store, settlement: Settlement, endpoint: str = "app") -> None:
    for claim in await store.claim_due(endpoint, 1000):
        await store.record_attempt(claim, DONE, settlement, HEALTH)


async def replay(
    store: Store, *recipients: Recipient, undelivered: bool = False, since: float = START
) -> dict[str, int]:
    wanted = Replay(since, LATER, undelivered)
    return dict((await store.replay(wanted, recipients or [to()], render)).counts)


async def due(store: Store, endpoint: str = "app") -> Sequence[str]:
    return [claim.event_id for claim in await store.claim_due(endpoint, 1000)]


async def test_what_was_delivered_or_is_dead_is_sent_again_and_counted() -> None:
    for settlement in (Delivered(), DeadLetter("no use")):
        store = await with_events(Time(), "evt_1", "evt_2", "evt_3")
        await settle(store, settlement)

        assert await replay(store) == {"app": 3}
        assert await due(store) == ["evt_1", "evt_2", "evt_3"]


async def test_only_what_was_not_received_is_sent_again_if_that_is_asked_for() -> None:
    received = await with_events(Time(), "evt_1")
    await settle(received, Delivered())
    assert await replay(received, undelivered=True) == {"app": 0}
    assert await due(received) == []

    dead = await with_events(Time(), "evt_1")
    await settle(dead, DeadLetter("no use"))
    assert await replay(dead, undelivered=True) == {"app": 1}

    cancelled = await with_events(Time(), "evt_1")
    await cancelled.reconcile_endpoints({"other": "mark"})
    assert await replay(cancelled, undelivered=True) == {"app": 1}


async def test_what_is_pending_anyway_is_not_repeated() -> None:
    time = Time()
    store = await with_events(time, "evt_1")
    await store.claim_due("app", 1)
    assert await replay(store) == {"app": 0}


async def test_an_endpoint_that_an_event_was_not_for_at_first_gets_it_if_it_subscribes() -> None:
    store = await with_events(Time(), "evt_1")
    recipients = [to("failures", "video.failed"), to("new"), to("all", "*")]

    counts = await replay(store, *recipients, undelivered=True)

    assert counts == {"failures": 0, "new": 1, "all": 1}
    assert [await due(store, each) for each in counts] == [[], ["evt_1"], ["evt_1"]]


async def test_no_endpoint_gets_the_notice_about_itself() -> None:
    store = await with_events(Time(), "evt_1")
    (claim,) = await store.claim_due("app", 1)
    notice = NewEvent(
        "evt_notice", EventType.ENDPOINT_DISABLED, int(START), {Format.STANDARD: b"notice"}, []
    )
    assert await store.record_attempt(claim, DONE, Hold("410 Gone"), HEALTH, notice)

    assert await replay(store, to("app", "endpoint.*"), to("ops", "endpoint.*")) == {
        "app": 0,
        "ops": 1,
    }


async def test_events_are_sent_again_from_the_first_moment_on_and_before_the_last() -> None:
    store = await with_events(Time(), "evt_1", "evt_2", "evt_3", every=10)
    await settle(store, Delivered())

    wanted = Replay(START + 10, START + 20, undelivered=False)
    assert (await store.replay(wanted, [to()], render)).counts == {"app": 1}
    assert await due(store) == ["evt_2"]


async def test_a_batch_is_bounded_and_the_next_one_begins_where_it_ended() -> None:
    ids = [f"evt_{number:05}" for number in range(REPLAY_BATCH + 1)]
    store = await with_events(Time(), *ids, every=1)
    await settle(store, Delivered())
    await settle(store, Delivered())

    first = await store.replay(Replay(START, LATER, undelivered=False), [to()], render)
    assert (first.counts, first.end) == (
        {"app": REPLAY_BATCH},
        (START + REPLAY_BATCH - 1, ids[-2]),
    )
    rest = Replay(START, LATER, undelivered=False, after=first.end)
    second = await store.replay(rest, [to()], render)
    assert (second.counts, second.end) == ({"app": 1}, None)


async def test_another_format_is_rendered_from_the_standard_one_and_only_once() -> None:
    store = await with_events(Time(), "evt_1")
    slack = Recipient("chat", Format.SLACK, ("video.*",))

    for _ in range(2):
        await store.resend("evt_1", [slack], render)
        (claim,) = await store.claim_due("chat", 10)
        assert claim.body == b"slack of evt_1"
        await store.record_attempt(claim, DONE, Delivered(), HEALTH)
    assert await replay(store, slack) == {"chat": 1}
    (again,) = await store.claim_due("chat", 10)
    assert again.body == b"slack of evt_1"


async def test_a_replay_renders_what_an_endpoint_of_another_format_never_had() -> None:
    store = await with_events(Time(), "evt_1")
    assert await replay(store, Recipient("chat", Format.SLACK, ("video.*",))) == {"chat": 1}
    (claim,) = await store.claim_due("chat", 10)
    assert claim.body == b"slack of evt_1"
