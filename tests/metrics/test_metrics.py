"""Metrics: what is counted, and when."""

import pytest
import trio
from trio.testing import MockClock

from notifier.delivery import AttemptRecorder
from notifier.metrics import Metrics
from notifier.model.answer import PollError, Seen, Unauthorized
from notifier.model.delivery import AttemptRecord, Hold
from notifier.model.workload import Backlog, Workload
from notifier.polling import Poller, PollerDeps, PollRules, SnapshotWriter
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from tests.builders import (
    START,
    listing,
    memory_store,
    rng,
    snapshot,
    spec,
    watch,
)
from tests.delivery.lanes import HEALTHY, Parts, Receiver, put, run_for, steady_clock
from tests.metrics.samples import Stands, everything, values
from tests.polling.schedulers import NEVER, Gateway, ask, make_scheduler


async def test_a_poll_is_counted_by_gateway_and_outcome(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    metrics, gateway = Metrics(), Gateway()
    scheduler = make_scheduler(nursery, gateway, 0.5, 1, metrics)
    for answer in (Seen(snapshot()), PollError("timeout"), PollError("timeout")):
        gateway.answer = answer
        await ask(scheduler, "video_1")

    seen = values(metrics)
    assert seen["notifier_polls_total", "main", "seen"] == 1
    assert seen["notifier_polls_total", "main", "timeout"] == 2
    # two of three waited two seconds for their turn
    assert seen["notifier_budget_wait_seconds_count", "main"] == 3
    assert seen["notifier_budget_wait_seconds_sum", "main"] == pytest.approx(4)
    assert seen["notifier_poll_lag_seconds_sum", "main"] == pytest.approx(4)


async def test_a_poller_that_is_kept_waiting_lags(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    metrics, gateway, clock = Metrics(), Gateway(), steady_clock()
    scheduler = make_scheduler(nursery, gateway, 0.01, 1, metrics)
    store = memory_store(clock)
    await store.sync_watches([listing(spec())], [])
    poller = Poller(
        watch(),
        scheduler,
        PollerDeps(
            SnapshotWriter(store),
            None,  # type: ignore[arg-type]  # nothing ends here
            rules=lambda _: PollRules(PollIntervals(20, 5), 120, NEVER),
            now=clock.now,
            rng=rng(),
            history=JobHistory(),
        ),
    )
    with trio.move_on_after(101):
        poller.begin(0)
        await poller.run()
    seen = values(metrics)
    assert seen["notifier_poll_lag_seconds_count", "main"] == 2
    assert 70 < seen["notifier_poll_lag_seconds_sum", "main"] < 90


async def test_a_gateway_is_paused_while_it_refuses_the_key(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    metrics, gateway = Metrics(), Gateway()
    metrics.configured(["main"], [])
    scheduler = make_scheduler(nursery, gateway, 1000, 1, metrics)
    assert values(metrics)["notifier_gateway_paused", "main"] == 0
    gateway.answer = Unauthorized(401)
    await ask(scheduler, "video_1")
    assert values(metrics)["notifier_gateway_paused", "main"] == 1
    gateway.answer = Seen(snapshot())
    await ask(scheduler, "video_1")
    assert values(metrics)["notifier_gateway_paused", "main"] == 0


async def test_attempts_and_the_way_from_record_to_receipt_are_measured(
    autojump_clock: MockClock,
) -> None:
    metrics, clock = Metrics(), steady_clock()
    store = memory_store(clock)
    await put(store)
    receiver = Receiver(answers=[500, None], takes=1)
    await run_for(
        1000,
        Parts(store, receiver, clock, records=AttemptRecorder(store, clock.now, metrics)).lane(),
    )

    seen = values(metrics)
    for outcome in ("http_500", "timeout", "delivered"):
        assert seen["notifier_delivery_attempts_total", "app", outcome] == 1
    assert seen["notifier_delivery_attempt_duration_seconds_sum", "app"] == pytest.approx(3)
    assert seen["notifier_delivery_latency_seconds_count", "app"] == 1
    # the waits of the schedule, 5 s and 5 min, give or take a fifth
    assert 3 + 0.8 * 305 < seen["notifier_delivery_latency_seconds_sum", "app"] < 3 + 1.2 * 305


async def test_an_endpoint_is_ok_failing_or_disabled(autojump_clock: MockClock) -> None:
    metrics, clock = Metrics(), steady_clock()
    metrics.configured([], ["app"])
    store = memory_store(clock)
    await put(store, count=5)
    receiver = Receiver(status=500)
    lane = Parts(store, receiver, clock, metrics=metrics).lane()

    async def state() -> list[str]:
        await metrics.refresh(store)
        seen = values(metrics)
        states = ("ok", "failing", "disabled")
        return [each for each in states if seen["notifier_endpoint_state", "app", each]]

    assert await state() == ["ok"]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        await trio.sleep(60)
        assert await state() == ["failing"]
        receiver.status = 204
        await trio.sleep(1000)
        assert await state() == ["ok"]
        nursery.cancel_scope.cancel()
    await put(store, first=10)
    (claim,) = await store.claim_due("app", 1)
    await store.record_attempt(claim, AttemptRecord(0, 0, "http_410"), Hold("410"), HEALTHY)
    assert await state() == ["disabled"]


async def test_a_store_that_cannot_be_read_hides_only_what_it_knows() -> None:
    metrics = await everything()
    await metrics.refresh(Stands(None))
    seen = values(metrics)
    assert ("notifier_deliveries", "app", "pending") not in seen
    assert seen["notifier_polls_total", "main", "seen"] == 1


async def test_a_gateway_that_was_removed_from_the_config_raises_no_alert() -> None:
    metrics = await everything()
    metrics.gateway_paused("main", paused=True)
    metrics.configured([], [])
    assert ("notifier_gateway_paused", "main") not in values(metrics)


def test_a_config_that_is_refused_shows() -> None:
    metrics = Metrics()
    metrics.config_loaded(START)
    metrics.config_refused()
    seen = values(metrics)
    assert seen[("notifier_config_last_reload_successful",)] == 0
    assert seen[("notifier_config_last_reload_success_timestamp_seconds",)] == START
    metrics.config_loaded(START + 5)
    assert values(metrics)[("notifier_config_last_reload_successful",)] == 1


async def test_requests_that_are_passed_on_are_counted_until_their_outcome() -> None:
    seen = values(await everything())
    assert seen["notifier_passed_requests_total", "main", "answered"] == 1
    assert seen["notifier_passed_requests_in_flight", "main"] == 1


async def test_an_instance_among_others_says_what_it_owns_and_how_it_stands() -> None:
    seen = values(await everything())
    assert seen["notifier_instances",] == 3
    assert seen["notifier_leases", "watch"] == 21
    assert seen["notifier_leases", "chores"] == 0
    assert seen["notifier_lease_trust_seconds",] == 9.5
    assert seen["notifier_config_differs",] == 1
    assert seen["notifier_fenced_writes_total",] == 1
    assert seen["notifier_takeover_seconds_count",] == 1


async def test_a_daemon_that_has_its_store_alone_has_no_metrics_of_instances() -> None:
    metrics = Metrics()
    metrics.fenced_write()
    metrics.takeover(1.0)
    assert not [name for name, *_ in values(metrics) if "instances" in name or "lease" in name]


async def test_an_instance_shows_only_the_endpoints_that_it_delivers_to() -> None:
    metrics = Metrics()
    metrics.configured(["main"], ["mine", "other"])
    backlogs = {"mine": Backlog(2)}
    await metrics.refresh(Stands(Workload({"main": 3}, backlogs, [], {"mine"})))
    endpoints = {labels[0] for name, *labels in values(metrics) if name == "notifier_deliveries"}
    assert endpoints == {"mine"}
