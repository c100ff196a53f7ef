"""The outbox: commits, due deliveries, attempts and interruptions."""

import pytest
import trio

from notifier.formats.rerender import rerender
from notifier.model.delivery import (
    AttemptRecord,
    CallbackDemand,
    CancelledDeliveries,
    DeadLetter,
    Delivered,
    Format,
    Hold,
    RecordedEnding,
    RetryAt,
)
from notifier.model.event import EventType, NewEvent
from notifier.model.health import Health
from notifier.model.watch import Callback
from notifier.store import Store
from notifier.store.resending import Recipient
from tests.builders import START, Time, listing, memory_store, new_event, snapshot, spec

pytestmark = pytest.mark.usefixtures("each_engine")

DONE = AttemptRecord(START, 12, "delivered", 204)
FAILED = AttemptRecord(START, 12, "http_500", 500)
DAY = 86_400.0
APP = Recipient("app", Format.STANDARD, ("video.*",))
FAILING = Health("mark", START, START)


async def with_event(time: Time, *endpoints: str) -> Store:
    store = memory_store(time)
    (watch,) = await store.sync_watches([listing(spec())], [])
    assert await store.record_ending(
        watch.row, new_event(endpoints=endpoints, body=b"\x00raw"), snapshot()
    )
    return store


async def test_an_ending_is_recorded_at_most_once() -> None:
    store = memory_store(Time())
    (watch,) = await store.sync_watches([listing(spec())], [])

    assert await store.record_ending(watch.row, new_event("evt_1"), snapshot())
    assert not await store.record_ending(watch.row, new_event("evt_2"), snapshot())
    assert [claim.event_id for claim in await store.claim_due("app", 10)] == ["evt_1"]


async def test_a_withdrawn_watch_gets_no_event() -> None:
    store = memory_store(Time())
    (watch,) = await store.sync_watches([listing(spec())], [])
    await store.sync_watches([listing()], [])

    assert not await store.record_ending(watch.row, new_event(), snapshot())


async def test_each_endpoint_has_a_delivery_of_its_own() -> None:
    store = await with_event(Time(), "app", "ops")

    (claim,) = await store.claim_due("app", 10)

    assert (claim.endpoint, claim.attempt, claim.failures) == ("app", 1, 0)
    assert claim.body == b"\x00raw"
    assert await store.next_due("app") is None
    assert await store.next_due("ops") == START


async def test_a_claimed_delivery_is_not_claimed_again() -> None:
    store = await with_event(Time(), "app")
    await store.claim_due("app", 10)

    assert await store.claim_due("app", 10) == []


async def test_a_retry_is_due_at_its_time_and_counts_as_a_failure() -> None:
    time = Time()
    store = await with_event(time, "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, RetryAt(START + 5), FAILING)

    assert await store.claim_due("app", 10) == []
    assert await store.next_due("app") == START + 5
    time.at += 5
    (again,) = await store.claim_due("app", 10)
    assert (again.attempt, again.failures, again.body) == (2, 1, claim.body)


async def test_what_has_been_due_the_longest_is_claimed_first() -> None:
    time = Time()
    store = memory_store(time)
    first, second = await store.sync_watches([listing(spec("a"), spec("b"))], [])
    await store.record_ending(first.row, new_event("evt_1"), snapshot())
    (claim,) = await store.claim_due("app", 1)
    await store.record_attempt(claim, FAILED, RetryAt(START + 50), FAILING)
    time.at += 10
    await store.record_ending(second.row, new_event("evt_2"), snapshot())
    time.at += 90

    claims = await store.claim_due("app", 1) + await store.claim_due("app", 1)
    assert [(each.event_id, each.attempt) for each in claims] == [("evt_2", 1), ("evt_1", 2)]


async def test_what_is_delivered_or_dead_is_never_due_again() -> None:
    time = Time()
    store = await with_event(time, "app", "ops")
    for endpoint, settlement in (("app", Delivered()), ("ops", DeadLetter("no use"))):
        (claim,) = await store.claim_due(endpoint, 10)
        await store.record_attempt(claim, DONE, settlement, FAILING)
    time.at += 1e9

    await store.recover({"app": "mark", "ops": "mark"}, 60)

    assert await store.claim_due("app", 10) == []
    assert await store.claim_due("ops", 10) == []
    counts = (await store.outstanding(START)).deliveries
    assert (counts.delivered, counts.dead, counts.pending) == (1, 1, 0)


async def test_an_interrupted_attempt_uses_up_no_retry() -> None:
    store = await with_event(Time(), "app")
    await store.claim_due("app", 10)

    assert await store.release_interrupted() == 1

    (again,) = await store.claim_due("app", 10)
    assert (again.attempt, again.failures) == (2, 0)


async def test_an_attempt_is_shown_while_it_is_under_way_and_once_it_is_over() -> None:
    store = await with_event(Time(), "app")
    (claim,) = await store.claim_due("app", 10)
    shown = await store.event(claim.event_id)
    assert shown is not None
    assert [
        # no two claims have the very same time
        (each.number, round(each.started_at, 3), each.outcome)
        for each in shown.deliveries[0].attempts
    ] == [(1, START, None)]

    await store.record_delivered([(claim, DONE)])
    await store.record_delivered([(claim, DONE)])  # the first commit seemed to have failed

    shown = await store.event(claim.event_id)
    assert shown is not None
    assert [(each.number, each.outcome) for each in shown.deliveries[0].attempts] == [
        (1, "delivered")
    ]


async def test_a_start_tells_how_many_attempts_were_interrupted() -> None:
    store = await with_event(Time(), "app", "ops")
    await store.claim_due("app", 10)

    assert (await store.recover({"app": "mark", "ops": "mark"}, 60)).interrupted == 1
    assert (await store.recover({"app": "mark", "ops": "mark"}, 60)).interrupted == 0


async def test_a_host_name_that_was_held_is_looked_at_after_a_start() -> None:
    lane = "app@callback"
    store = memory_store(Time())
    await store.reconcile_endpoints({"app": "mark", lane: "mark"})
    callback = Callback("https://held.example/", "app")
    watch, _ = await store.add_watch(spec(), again=False, callback=callback)
    await store.record_ending(watch.row, new_event(endpoints=()), snapshot())
    assert (
        await store.claim_callbacks(lane, CallbackDemand(9, {"held.example": START + DAY})) == []
    )
    assert await store.next_callback(lane) == START + DAY

    await store.recover({"app": "mark", lane: "mark"}, 2 * DAY)

    assert await store.next_callback(lane) == START
    (claim,) = await store.claim_callbacks(lane, CallbackDemand(9, {}))
    assert claim.host == "held.example"


async def test_a_watch_that_a_wrong_clock_took_in_the_future_is_taken_now() -> None:
    time = Time()
    time.at += DAY
    store = memory_store(time)
    await store.sync_watches([listing(spec())], [])
    time.at = START

    await store.recover({}, 60)

    (watch,) = await store.sync_watches([], [])
    assert watch.taken_at == START


async def test_a_gone_endpoint_holds_its_deliveries_until_it_is_enabled() -> None:
    store = await with_event(Time(), "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, Hold("410 Gone"), Health("old-url", START, START))

    assert await store.claim_due("app", 10) == []
    assert await store.next_due("app") is None
    counts = (await store.outstanding(START)).deliveries
    assert (counts.held, counts.pending) == (1, 0)


async def test_a_disabled_endpoint_stays_disabled_over_a_restart_until_its_url_changes() -> None:
    store = await with_event(Time(), "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, Hold("410 Gone"), Health("old-url", START, START))

    same = await store.recover({"app": "old-url"}, 60)
    assert same.disabled == {"app": "410 Gone"}
    changed = await store.recover({"app": "new-url"}, 60)
    assert changed.reconciled.enabled == ["app"]
    assert len(await store.claim_due("app", 10)) == 1


async def test_deliveries_of_an_endpoint_that_left_the_config_are_cancelled_visibly() -> None:
    store = await with_event(Time(), "app", "ops")

    found = await store.recover({"ops": "mark"}, 60)

    assert found.reconciled.cancelled == [CancelledDeliveries("app", 1, START)]
    assert (await store.outstanding(START)).deliveries.cancelled == 1


async def test_a_retry_that_a_wrong_clock_put_years_ahead_is_brought_back() -> None:
    time = Time()
    store = await with_event(time, "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, RetryAt(START + 1e8), FAILING)

    await store.recover({"app": "mark"}, 3600)

    assert await store.next_due("app") == START + 3600


async def test_a_clock_set_back_between_two_processes_delays_nothing() -> None:
    time = Time()
    store = await with_event(time, "app")
    time.at -= DAY

    assert (await store.recover({"app": "mark"}, 2 * DAY)).clock_set_back == DAY

    assert len(await store.claim_due("app", 10)) == 1


async def test_a_clock_set_back_leaves_a_retry_the_wait_that_it_was_meant_to_have() -> None:
    time = Time()
    store = await with_event(time, "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, RetryAt(START + 300), FAILING)
    time.at -= DAY

    await store.recover({"app": "mark"}, 2 * DAY)

    assert await store.next_due("app") == time.at + 300


async def test_only_what_was_settled_in_this_run_counts_as_its_result() -> None:
    time = Time()
    store = await with_event(time, "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, DONE, DeadLetter("no use"), FAILING)

    assert (await store.outstanding(START + 1)).deliveries.dead == 0


NOTICE = NewEvent(
    "evt_notice",
    EventType.ENDPOINT_DISABLED,
    int(START),
    {Format.STANDARD: b"notice"},
    [("ops", Format.STANDARD)],
)


async def test_the_notice_about_a_disabled_endpoint_is_recorded_with_it_and_only_once() -> None:
    store = await with_event(Time(), "app")
    (claim,) = await store.claim_due("app", 10)

    assert await store.record_attempt(claim, FAILED, Hold("410 Gone"), FAILING, NOTICE)
    assert not await store.record_attempt(claim, FAILED, Hold("410 Gone"), FAILING, NOTICE)

    (notice,) = await store.claim_due("ops", 10)
    assert (notice.event_type, notice.body) == ("endpoint.disabled", b"notice")
    assert notice.subject == {"about_endpoint": "app"}


async def test_the_health_of_an_endpoint_is_known_after_a_restart() -> None:
    store = await with_event(Time(), "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, RetryAt(START), FAILING)

    assert (await store.recover({"app": "mark"}, 60)).reconciled.health == {"app": FAILING}
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, DONE, Delivered(), FAILING)
    assert (await store.recover({"app": "mark"}, 60)).reconciled.health == {}


async def test_another_url_resets_the_health() -> None:
    store = await with_event(Time(), "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, RetryAt(START), FAILING)

    assert (await store.recover({"app": "new"}, 60)).reconciled.health == {"app": Health("new")}


async def test_an_answer_of_the_former_url_does_not_disable_the_endpoint() -> None:
    time = Time()
    store = await with_event(time, "app")
    await store.reconcile_endpoints({"app": "old"})
    (claim,) = await store.claim_due("app", 10)
    await store.reconcile_endpoints({"app": "new"})

    gone = Health("old", START, START)
    assert not await store.record_attempt(claim, FAILED, Hold("410 Gone"), gone, NOTICE)

    (again,) = await store.claim_due("app", 10)
    assert (again.delivery, again.failures) == (claim.delivery, 0)


async def test_a_delivery_in_flight_when_its_endpoint_was_removed_can_be_sent_again() -> None:
    time = Time()
    store = await with_event(time, "app")
    (claim,) = await store.claim_due("app", 10)
    await store.reconcile_endpoints({"other": "mark"})
    await store.record_attempt(claim, FAILED, RetryAt(START + 5), FAILING)
    await store.reconcile_endpoints({"app": "mark"})

    assert await store.resend(claim.event_id, [APP], rerender) == ["app"]
    (again,) = await store.claim_due("app", 10)
    assert again.delivery == claim.delivery


async def test_a_success_counts_although_its_endpoint_was_removed_meanwhile() -> None:
    time = Time()
    store = await with_event(time, "app")
    (claim,) = await store.claim_due("app", 10)
    await store.reconcile_endpoints({"other": "mark"})
    await store.record_attempt(claim, DONE, Delivered(), FAILING)
    assert (await store.outstanding(START)).deliveries.delivered == 1


async def test_a_resend_during_the_last_attempt_is_not_undone_by_its_failure() -> None:
    time = Time()
    store = await with_event(time, "app")
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, RetryAt(START), FAILING)
    (last,) = await store.claim_due("app", 10)
    await store.resend(last.event_id, [APP], rerender)
    await store.record_attempt(last, FAILED, DeadLetter("no use"), FAILING)

    (again,) = await store.claim_due("app", 10)
    assert (again.delivery, again.failures) == (claim.delivery, 0)


async def test_a_removed_endpoint_that_a_watch_names_has_a_cancelled_delivery() -> None:
    store = memory_store(Time())
    await store.reconcile_endpoints({"app": "mark"})
    named = spec(endpoints=("gone",))
    callback = Callback("https://callback.example/", "gone")
    watch, _ = await store.add_watch(named, again=False, callback=callback)
    assert await store.record_ending(watch.row, new_event("evt_1", ()), snapshot())

    shown = await store.event("evt_1")
    assert shown is not None
    assert {(each.endpoint, each.state) for each in shown.deliveries} == {
        ("gone", "cancelled"),
        ("gone@callback", "cancelled"),
    }
    assert all("removed from the config" in each.reason for each in shown.deliveries)


async def test_what_a_template_made_is_sent_by_every_later_attempt_also_after_a_resend() -> None:
    time = Time()
    store = await with_event(time, "app")
    (claim,) = await store.claim_due("app", 10)
    assert not claim.from_template
    await store.keep_rendering(claim, b"made")
    await store.record_attempt(claim, FAILED, RetryAt(START), FAILING)

    (again,) = await store.claim_due("app", 10)
    assert (again.body, again.from_template) == (b"made", True)
    await store.record_attempt(again, FAILED, DeadLetter("no use"), FAILING)
    await store.resend(again.event_id, [APP], rerender)
    (resent,) = await store.claim_due("app", 10)
    assert (resent.body, resent.from_template) == (b"made", True)


async def test_endings_of_one_moment_are_recorded_each_with_its_own_callback_and_outcome() -> None:
    store = memory_store(Time())
    await store.reconcile_endpoints({"app": "mark", "app@callback": "mark"})
    callback = Callback("https://callback.example/", "app")
    first, _ = await store.add_watch(spec("a"), again=False, callback=callback)
    second, _ = await store.add_watch(spec("b", endpoints=("app", "gone")), again=False)
    outcomes: dict[str, bool] = {}

    async def end(row: int, event: NewEvent) -> None:
        outcomes[event.id] = bool(await store.record_ending(row, event, snapshot()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end, first.row, new_event("evt_1", ("app",)))
        nursery.start_soon(end, second.row, new_event("evt_2", ("app",)))
        nursery.start_soon(end, 404, new_event("evt_3", ("app",)))

    assert outcomes == {"evt_1": True, "evt_2": True, "evt_3": False}
    shown = {event: await store.event(event) for event in ("evt_1", "evt_2")}
    assert {
        event: [(each.endpoint, each.state) for each in view.deliveries]
        for event, view in shown.items()
        if view is not None
    } == {
        "evt_1": [("app", "pending"), ("app@callback", "pending")],
        "evt_2": [("app", "pending"), ("gone", "cancelled")],
    }


async def test_of_two_endings_of_one_watch_at_the_same_time_one_is_recorded() -> None:
    store = memory_store(Time())
    (watch,) = await store.sync_watches([listing(spec())], [])
    outcomes = list[bool]()

    async def end(event: NewEvent) -> None:
        outcomes.append(bool(await store.record_ending(watch.row, event, snapshot())))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end, new_event("evt_1"))
        nursery.start_soon(end, new_event("evt_2"))

    assert sorted(outcomes) == [False, True]
    assert len(await store.claim_due("app", 10)) == 1


async def test_a_delivery_that_was_claimed_as_it_was_recorded_is_interrupted_by_a_crash() -> None:
    store = memory_store(Time())
    (watch,) = await store.sync_watches([listing(spec())], [])
    recorded = await store.record_ending(
        watch.row, new_event("evt_1", ("app", "ops")), snapshot(), claimed=("app",)
    )
    assert isinstance(recorded, RecordedEnding)
    assert (recorded.at, list(recorded.claimed), recorded.callback) == (START, ["app"], None)
    assert await store.claim_due("app", 10) == []
    assert [claim.attempt for claim in await store.claim_due("ops", 10)] == [1]

    assert await store.release_interrupted() == 2

    (again,) = await store.claim_due("app", 10)
    assert (again.delivery, again.attempt, again.failures) == (recorded.claimed["app"], 2, 0)


async def test_a_disabled_endpoint_is_claimed_for_by_no_ending() -> None:
    store = memory_store(Time())
    first, second = await store.sync_watches([listing(spec("a"), spec("b"))], [])
    await store.record_ending(first.row, new_event("evt_1", ("app",)), snapshot())
    (claim,) = await store.claim_due("app", 10)
    await store.record_attempt(claim, FAILED, Hold("410 Gone"), FAILING)

    recorded = await store.record_ending(
        second.row, new_event("evt_2", ("app",)), snapshot(), claimed=("app",)
    )
    assert isinstance(recorded, RecordedEnding)
    assert recorded.claimed == {}
    assert (await store.outstanding(START)).deliveries.held == 2


async def test_an_ending_recorded_again_after_a_commit_that_seemed_to_fail_is_due() -> None:
    time = Time()
    store = memory_store(time)
    await store.reconcile_endpoints({"app": "mark", "app@callback": "mark"})
    callback = Callback("https://callback.example/", "app")
    watch, _ = await store.add_watch(spec(), again=False, callback=callback)
    event = new_event("evt_1", ("app",))
    assert await store.record_ending(watch.row, event, snapshot(), claimed=("app",))
    time.at += 1

    again = await store.record_ending(watch.row, event, snapshot(), claimed=("app",))

    assert isinstance(again, RecordedEnding)
    assert again.again
    assert (again.at, again.claimed, again.callback) == (START, {}, "app@callback")
    (claim,) = await store.claim_due("app", 10)
    assert (claim.event_id, claim.attempt) == ("evt_1", 1)
