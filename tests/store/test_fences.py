"""What an owner writes counts only while it is the owner."""

import pytest

from notifier.model.delivery import (
    AttemptRecord,
    CallbackDemand,
    Claim,
    Delivered,
    Hold,
    RecordedEnding,
    RetryAt,
)
from notifier.model.event import NotRecorded
from notifier.model.health import Health
from notifier.model.lease import Fence, Lease, LeaseKind, lane_lease, shard_of, watch_lease
from notifier.model.watch import Callback, Observation, Watch
from notifier.store import leases
from notifier.store.fenced_lane import FencedLane
from notifier.store.queries import WatchFilter
from tests.builders import START, new_event, snapshot, spec
from tests.store.test_shared_store import Two

pytestmark = pytest.mark.usefixtures("each_engine")

FAILED = AttemptRecord(START, 12, "http_500", 500)
DONE = AttemptRecord(START, 12, "delivered", 204)
FAILING = Health("mark", START, START)


class Shards(Two):
    """Two instances, and an open watch whose shard goes from one to the other."""

    def __init__(self) -> None:
        super().__init__()
        lease = Lease(watch_lease("main", 0), LeaseKind.WATCH, "main", None, 0)
        self.database.transact(leases.ensure, [lease])

    def own(self, store: object, name: str) -> Fence:
        """Give a lease to an instance, whoever had it."""
        (before,) = [one for one in self.database.transact(leases.all_leases) if one.name == name]
        if before.fence is not None:
            self.database.transact(leases.hand_over, [before.fence])
        owner = store.instance  # type: ignore[attr-defined]  # a SharedStore
        (lease,) = self.database.transact(leases.take, owner, [name], self.time.at)
        assert lease.fence is not None
        return lease.fence

    def watches(self, fence: Fence) -> list[Watch]:
        lease = Lease(fence.lease, LeaseKind.WATCH, "main", fence.owner, fence.epoch)
        return self.database.transact(leases.watches_of, [lease])


async def end(two: Shards, watch: Watch, event: str = "evt_1") -> RecordedEnding | NotRecorded:
    new = new_event(event)
    return await two.alpha.record_ending(watch.row, new, snapshot(), fence=watch.fence)


def is_new(made: RecordedEnding | NotRecorded) -> bool:
    return isinstance(made, RecordedEnding) and not made.again


def is_known(made: RecordedEnding | NotRecorded) -> bool:
    return isinstance(made, RecordedEnding) and made.again


async def test_the_owner_of_a_shard_ends_its_watches_once() -> None:
    two = Shards()
    await two.beta.add_watch(spec(), again=False)
    (watch,) = two.watches(two.own(two.alpha, watch_lease("main", 0)))
    assert shard_of(watch.row) == 0
    assert is_new(await end(two, watch))
    assert is_known(await end(two, watch))
    assert await end(two, watch, "evt_2") is NotRecorded.OVER


async def test_an_ending_of_a_former_owner_changes_nothing() -> None:
    two = Shards()
    await two.beta.add_watch(spec(), again=False)
    (stale,) = two.watches(two.own(two.alpha, watch_lease("main", 0)))
    (watch,) = two.watches(two.own(two.beta, watch_lease("main", 0)))

    assert await end(two, stale) is NotRecorded.FENCED
    assert len(await two.alpha.watches(WatchFilter(state="open"))) == 1
    assert is_new(await end(two, watch))


async def test_an_ending_whose_commit_was_unknown_is_found_also_after_a_takeover() -> None:
    two = Shards()
    await two.beta.add_watch(spec(), again=False)
    (watch,) = two.watches(two.own(two.alpha, watch_lease("main", 0)))
    await end(two, watch)
    two.own(two.beta, watch_lease("main", 0))
    assert is_known(await end(two, watch))


async def test_an_earlier_ownership_of_the_same_instance_is_over_as_well() -> None:
    two = Shards()
    await two.beta.add_watch(spec(), again=False)
    (stale,) = two.watches(two.own(two.alpha, watch_lease("main", 0)))
    two.own(two.beta, watch_lease("main", 0))
    two.own(two.alpha, watch_lease("main", 0))
    assert await end(two, stale) is NotRecorded.FENCED


async def test_a_former_owner_reads_no_watches() -> None:
    two = Shards()
    await two.beta.add_watch(spec(), again=False)
    stale = two.own(two.alpha, watch_lease("main", 0))
    two.own(two.beta, watch_lease("main", 0))
    assert two.watches(stale) == []


async def test_observations_of_a_former_owner_are_not_kept() -> None:
    two = Shards()
    await two.beta.add_watch(spec(), again=False)
    (stale,) = two.watches(two.own(two.alpha, watch_lease("main", 0)))
    (watch,) = two.watches(two.own(two.beta, watch_lease("main", 0)))
    seen = snapshot(progress=70)
    await two.beta.save_observations([Observation(watch.row, seen, None, 0, watch.fence)])

    older = snapshot(progress=10)
    await two.alpha.save_observations([Observation(stale.row, older, START, 1, stale.fence)])

    view = await two.alpha.watch(watch.key)
    assert view is not None
    assert view.watch.snapshot == seen


class Lanes(Shards):
    """Two instances, and deliveries of a lane that goes from one to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.names = [lane_lease("app"), lane_lease("app@callback")]
        of = [("app", self.names[0]), ("app@callback", self.names[1])]
        wanted = [Lease(name, LeaseKind.LANE, subject, None, 0) for subject, name in of]
        self.database.transact(leases.ensure, wanted)

    async def deliver(self) -> None:
        marks = {"app": "mark", "app@callback": "mark"}
        await self.alpha.reconcile_endpoints(marks)
        callback = Callback("https://receiver.example/", "app")
        watch, _ = await self.alpha.add_watch(spec(), again=False, callback=callback)
        assert await self.alpha.record_ending(watch.row, new_event(), snapshot())

    async def claimed_and_taken_over(self) -> tuple[Claim, Claim]:
        """Return the claim of the former owner and that of the new one, of one delivery."""
        await self.deliver()
        (stale,) = await FencedLane(self.alpha, self.own(self.alpha, self.names[0])).claim_due(
            "app", 1
        )
        (claim,) = await FencedLane(self.beta, self.own(self.beta, self.names[0])).claim_due(
            "app", 1
        )
        return stale, claim


async def test_only_the_owner_of_a_lane_claims_from_it() -> None:
    two = Lanes()
    await two.deliver()
    stale = [FencedLane(two.alpha, two.own(two.alpha, name)) for name in two.names]
    for name in two.names:
        two.own(two.beta, name)
    demand = CallbackDemand(1, {})
    assert await stale[0].claim_due("app", 1) == []
    assert await stale[1].claim_callbacks("app@callback", demand) == []

    lane = FencedLane(two.beta, two.own(two.beta, two.names[1]))
    (claim,) = await lane.claim_callbacks("app@callback", demand)
    assert claim.attempt == 1


async def test_a_failure_of_a_former_owner_changes_nothing() -> None:
    two = Lanes()
    stale, claim = await two.claimed_and_taken_over()

    assert not await two.alpha.record_attempt(
        stale, FAILED, Hold("410 Gone"), FAILING, new_event("evt_2", ())
    )
    found = await two.beta.recover({"app": "mark"}, 60.0)
    assert (found.disabled, found.reconciled.health) == ({}, {})

    await two.beta.record_attempt(claim, DONE, Delivered(), Health("mark"))
    shown = await two.alpha.event("evt_1")
    assert shown is not None
    (delivery,) = [each for each in shown.deliveries if each.endpoint == "app"]
    assert [each.outcome for each in delivery.attempts] == ["interrupted", "delivered"]


async def test_a_success_of_a_former_owner_counts() -> None:
    two = Lanes()
    stale, claim = await two.claimed_and_taken_over()
    await two.alpha.record_delivered([(stale, DONE)])
    assert (await two.beta.outstanding(START)).deliveries.delivered == 1

    await two.beta.record_attempt(claim, FAILED, RetryAt(START), FAILING)
    assert (await two.beta.outstanding(START)).deliveries.delivered == 1
    assert await two.beta.claim_due("app", 1) == []


async def test_a_success_of_a_former_owner_counts_before_the_new_one_has_claimed() -> None:
    two = Lanes()
    await two.deliver()
    lane = FencedLane(two.alpha, two.own(two.alpha, two.names[0]))
    (stale,) = await lane.claim_due("app", 1)
    two.own(two.beta, two.names[0])

    await two.alpha.record_attempt(stale, DONE, Delivered(), Health("mark"))
    assert await two.beta.claim_due("app", 1) == []
    shown = await two.alpha.event("evt_1")
    assert shown is not None
    (delivery,) = [each for each in shown.deliveries if each.endpoint == "app"]
    assert [each.outcome for each in delivery.attempts] == ["delivered"]
