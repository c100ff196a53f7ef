"""Several instances use one store, and what one of them does not know is not lost.

Each of these would lose data if an instance concluded what a daemon alone may conclude.
"""

import pytest

from notifier.errors import UnknownError
from notifier.model.delivery import AttemptRecord, Delivered, RetryAt
from notifier.model.grant import Grant
from notifier.model.health import Health
from notifier.model.instance import Instance
from notifier.model.lease import Lease, LeaseKind, lane_lease
from notifier.model.steady_base import SteadyBase
from notifier.model.watch import ListingChange, WatchKey
from notifier.store import InlineExecutor
from notifier.store import instances as instances_sql
from notifier.store import leases as leases_sql
from notifier.store.configured import DROPPED_LOOKS, SILENT_LOOKS
from notifier.store.forgetting import forget
from notifier.store.queries import WatchFilter
from notifier.store.schema import VERSION
from notifier.store.shared_store import SharedStore
from tests.builders import START, Time, listing, memory_database, new_event, snapshot, spec

pytestmark = pytest.mark.usefixtures("each_engine")

OLD, NEW = spec("of_alpha"), spec("of_beta")
YEAR = 365 * 86_400.0


class Two:
    """Two instances, alpha and beta, that share one database in memory."""

    def __init__(self) -> None:
        self.time = Time()
        self.database = memory_database()
        self.alpha = self.join("alpha")
        self.beta = self.join("beta")

    def join(self, name: str) -> SharedStore:
        store = SharedStore(self.database, InlineExecutor(), self.time, name=name)
        store.instance = f"{name} at {self.time.at}"
        instance = Instance(store.instance, name, "host", "boot", 1, "1", VERSION)
        assert self.database.transact(instances_sql.register, instance, 15.0, self.time.at)
        return store

    def leave(self, store: SharedStore) -> None:
        self.database.transact(instances_sql.remove, store.instance, self.time.at)

    def take_lane(self, store: SharedStore, endpoint: str) -> None:
        lease = Lease(lane_lease(endpoint), LeaseKind.LANE, endpoint, None, 0)
        self.database.transact(leases_sql.ensure, [lease])
        taken = self.database.transact(leases_sql.take, store.instance, [lease.name], self.time.at)
        assert taken

    async def open_videos(self) -> set[str]:
        views = await self.alpha.watches(WatchFilter(state="open"))
        return {view.watch.key.video_id for view in views}


async def test_an_instance_does_not_withdraw_what_the_files_of_another_list() -> None:
    two = Two()
    await two.alpha.sync_watches([listing(OLD, source="/etc/a.toml")], [])

    known = await two.beta.known_sources()
    await two.beta.sync_watches([listing(NEW, source="/etc/b.toml")], known)

    assert known == set()
    assert await two.open_videos() == {"of_alpha", "of_beta"}


async def test_files_of_one_name_on_two_machines_are_two_sources() -> None:
    two = Two()
    await two.alpha.sync_watches([listing(OLD, source="/etc/config.toml")], [])
    await two.beta.sync_watches([listing(NEW, source="/etc/config.toml")], [])
    assert await two.open_videos() == {"of_alpha", "of_beta"}

    removed = ListingChange("/etc/config.toml", removed=(OLD.key,))
    assert not (await two.beta.change_watches([removed])).withdrawn
    assert len((await two.alpha.change_watches([removed])).withdrawn) == 1
    assert await two.open_videos() == {"of_beta"}


async def test_an_instance_that_comes_back_under_its_name_withdraws_its_own_files() -> None:
    two = Two()
    await two.alpha.sync_watches([listing(OLD, source="/etc/a.toml")], [])
    two.leave(two.alpha)
    again = two.join("alpha")

    known = await again.known_sources()
    await again.sync_watches([], known)

    assert known == {"/etc/a.toml"}
    assert await two.open_videos() == set()


async def test_the_watches_of_a_dead_instance_stay_until_an_operator_forgets_it() -> None:
    two = Two()
    await two.alpha.sync_watches([listing(OLD, source="/etc/a.toml")], [])
    two.leave(two.alpha)
    assert await two.open_videos() == {"of_alpha"}

    assert two.database.transact(forget, "alpha", two.time.at) == 1
    assert await two.open_videos() == set()


async def test_a_source_that_is_no_file_is_the_same_for_all_instances() -> None:
    two = Two()
    await two.alpha.add_watch(OLD, again=False)
    assert await two.beta.remove_watch(WatchKey("main", "of_alpha"))
    assert await two.open_videos() == set()


async def with_a_delivery(two: Two, *endpoints: str) -> None:
    await two.alpha.reconcile_endpoints(dict.fromkeys(endpoints, "mark"))
    watch, _ = await two.alpha.add_watch(OLD, again=False)
    assert await two.alpha.record_ending(watch.row, new_event("evt_1", endpoints), snapshot())


async def with_an_endpoint_of_alpha() -> Two:
    """Return two instances, with deliveries for `app` and for `new`, which alpha alone has."""
    two = Two()
    await with_a_delivery(two, "app", "new")
    await two.beta.reconcile_endpoints({"app": "mark"})
    return two


async def pending(two: Two) -> int:
    return (await two.alpha.outstanding(START)).deliveries.pending


async def cancelled_after(looks: int, store: SharedStore) -> list[tuple[str, int]]:
    """Return the endpoints that so many looks found removed, with what that cancelled."""
    found = [each for _ in range(looks) for each in await store.cancel_removed()]
    return [(each.endpoint, each.count) for each in found]


async def test_an_instance_with_an_older_config_cancels_nothing_of_what_it_does_not_know() -> None:
    two = Two()
    await with_a_delivery(two, "app", "new")

    await two.beta.recover({"app": "mark"}, YEAR)
    assert (await two.beta.reconcile_endpoints({"app": "mark"})).cancelled == ()
    assert await cancelled_after(2 * DROPPED_LOOKS, two.beta) == []
    assert await pending(two) == 2


async def test_an_event_of_an_instance_with_an_older_config_is_not_born_cancelled() -> None:
    two = Two()
    await two.alpha.reconcile_endpoints({"app": "mark", "new": "mark"})
    await two.beta.reconcile_endpoints({"app": "mark"})
    watch, _ = await two.beta.add_watch(spec(endpoints=("new",)), again=False)

    await two.beta.record_ending(watch.row, new_event("evt_1", ("new",)), snapshot())
    assert await pending(two) == 1


async def test_an_endpoint_is_removed_when_many_looks_find_it_dropped_by_all_who_had_it() -> None:
    two = await with_an_endpoint_of_alpha()

    await two.alpha.reconcile_endpoints({"app": "mark"})
    assert await cancelled_after(DROPPED_LOOKS - 1, two.beta) == []
    assert await cancelled_after(1, two.beta) == [("new", 1)]


async def test_a_step_of_the_databases_clock_removes_no_endpoint() -> None:
    two = await with_an_endpoint_of_alpha()
    two.leave(two.alpha)  # it is just being restarted
    two.time.at += YEAR
    assert await cancelled_after(2, two.beta) == []
    await two.join("alpha").recover({"app": "mark", "new": "mark"}, YEAR)
    assert await cancelled_after(2 * DROPPED_LOOKS, two.beta) == []
    assert await pending(two) == 2


async def test_an_instance_that_is_away_for_hours_has_not_dropped_its_endpoints() -> None:
    two = await with_an_endpoint_of_alpha()
    two.leave(two.alpha)
    assert await cancelled_after(SILENT_LOOKS - 1, two.beta) == []
    assert await cancelled_after(1, two.beta) == [("new", 1)]


async def test_an_instance_that_comes_back_without_an_endpoint_has_dropped_it() -> None:
    two = await with_an_endpoint_of_alpha()
    two.leave(two.alpha)
    two.time.at += 5.0
    again = two.join("alpha")
    assert await cancelled_after(2 * DROPPED_LOOKS, two.beta) == []  # it has read no config yet
    await again.recover({"app": "mark"}, YEAR)
    assert await cancelled_after(DROPPED_LOOKS - 1, two.beta) == []
    assert await cancelled_after(1, two.beta) == [("new", 1)]


async def test_the_endpoints_of_an_instance_that_an_operator_forgets_are_dropped() -> None:
    two = await with_an_endpoint_of_alpha()
    two.leave(two.alpha)
    assert two.database.transact(forget, "alpha", two.time.at) == 0
    assert await cancelled_after(DROPPED_LOOKS - 1, two.beta) == []
    assert await cancelled_after(1, two.beta) == [("new", 1)]
    with pytest.raises(UnknownError):
        two.database.transact(forget, "alpha", two.time.at)


async def test_an_endpoint_that_comes_back_is_as_if_nothing_had_happened() -> None:
    two = await with_an_endpoint_of_alpha()
    await two.alpha.reconcile_endpoints({"app": "mark"})
    assert await cancelled_after(DROPPED_LOOKS - 1, two.beta) == []
    gamma = two.join("gamma")
    await gamma.reconcile_endpoints({"app": "mark", "new": "mark"})

    assert await cancelled_after(2 * DROPPED_LOOKS, two.beta) == []
    assert await pending(two) == 2
    two.leave(gamma)
    assert await cancelled_after(2 * DROPPED_LOOKS, two.beta) == []


async def test_no_endpoint_is_removed_by_the_time_for_which_no_instance_lived() -> None:
    two = Two()
    await with_a_delivery(two, "app", "new")
    two.leave(two.alpha)
    two.leave(two.beta)
    two.time.at += YEAR

    first = two.join("beta")
    await first.recover({"app": "mark"}, YEAR)
    assert await cancelled_after(DROPPED_LOOKS, first) == []


async def test_what_was_recorded_while_the_databases_clock_was_ahead_does_not_wait_for_years() -> (
    None
):
    two = Two()
    await two.beta.recover({"app": "mark"}, 60.0)
    await with_a_delivery(two, "app")
    two.take_lane(two.alpha, "app")
    (claim,) = await two.alpha.claim_due("app", 1)
    two.time.at += YEAR
    failed = AttemptRecord(two.time.at, 12, "http_500", 500)
    await two.alpha.record_attempt(claim, failed, RetryAt(two.time.at + 5), None)
    two.time.at -= YEAR

    assert await two.beta.bring_forward(60.0) == 1
    two.time.at += 60.0
    assert len(await two.alpha.claim_due("app", 1)) == 1
    assert await two.beta.bring_forward(60.0) == 0


async def test_an_older_url_of_an_endpoint_does_not_reset_its_health() -> None:
    two = Two()
    await with_a_delivery(two, "app")
    await two.alpha.reconcile_endpoints({"app": "new url"})
    two.take_lane(two.alpha, "app")
    (claim,) = await two.alpha.claim_due("app", 1)
    failed = AttemptRecord(START, 12, "http_500", 500)
    health = Health("new url", START, START)
    await two.alpha.record_attempt(claim, failed, RetryAt(START + 5), health)

    found = await two.beta.recover({"app": "old url"}, YEAR)
    assert found.reconciled.health["app"].failing_since == START


async def test_a_clock_that_is_off_on_one_machine_moves_no_stamp() -> None:
    two = Two()
    await two.alpha.recover({"app": "mark"}, YEAR, SteadyBase("boot of alpha", 0.0))
    await with_a_delivery(two, "app")

    two.time.at -= YEAR  # what beta's own calendar would say
    found = await two.beta.recover({"app": "mark"}, 1.0, SteadyBase("boot of alpha", -YEAR))
    two.time.at += YEAR

    assert found.clock_set_back == 0.0
    assert await two.alpha.next_due("app") == START
    view = await two.alpha.watch(OLD.key)
    assert view is not None
    assert view.watch.taken_at == START


async def test_a_start_and_a_stop_leave_the_attempts_of_others_in_flight() -> None:
    two = Two()
    await with_a_delivery(two, "app", "other")
    two.take_lane(two.alpha, "app")
    two.take_lane(two.beta, "other")
    (mine,) = await two.alpha.claim_due("app", 1)
    (others,) = await two.beta.claim_due("other", 1)

    gamma = two.join("gamma")
    assert (await gamma.recover({"app": "mark", "other": "mark"}, YEAR)).interrupted == 0
    assert await gamma.release_interrupted() == 0
    assert await two.beta.release_interrupted() == 1

    received = AttemptRecord(START, 12, "delivered", 204)
    await two.alpha.record_attempt(mine, received, Delivered(), Health("mark"))
    assert (await two.alpha.outstanding(START)).deliveries.delivered == 1
    (again,) = await two.beta.claim_due("other", 1)
    assert (again.delivery, again.attempt) == (others.delivery, 2)


async def test_the_attempts_of_a_lane_that_is_taken_over_are_interrupted() -> None:
    two = Two()
    await with_a_delivery(two, "app", "other")
    two.take_lane(two.alpha, "app")
    two.take_lane(two.beta, "other")
    await two.alpha.claim_due("app", 1)
    await two.beta.claim_due("other", 1)

    two.leave(two.alpha)
    two.take_lane(two.beta, "app")

    (again,) = await two.beta.claim_due("app", 1)
    assert again.attempt == 2
    assert await two.beta.claim_due("other", 1) == []


async def test_a_gateway_rests_for_as_long_as_any_instance_was_told_and_nobody_shortens_that() -> (
    None
):
    two = Two()

    async def rest(store: SharedStore, until: float) -> float:
        mine = Grant(store.instance, 10.0, 0.0, 1.0)
        return (await store.adjust_grant("main", mine, lambda *_: 0.0, until)).rest_until

    assert await rest(two.alpha, 0.0) == 0.0
    assert await rest(two.alpha, START + 60.25) == START + 60.25
    await two.alpha.lower_grant("main", Grant(two.alpha.instance, 10.0, 0.0, 1.0))
    assert await rest(two.beta, 0.0) == START + 60.25
    assert await rest(two.beta, START + 30.0) == START + 60.25
    assert await rest(two.beta, START + 90.0) == START + 90.0
    assert await rest(two.alpha, START + 60.25) == START + 90.0
