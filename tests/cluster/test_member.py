"""Instances share the work, and take over what a dead one did."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import combinations

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.cluster.deps import Wanted
from notifier.cluster.leaseholder import leases_of
from notifier.errors import InstanceRefusedError
from notifier.model.lease import CHORES, SHARDS, lane_lease, watch_lease
from notifier.store import instances
from tests.builders import spec
from tests.cluster.cluster import ARCHIVE, BUDGET, DISCOVERY, LEASE, SERVICES, Cluster
from tests.metrics.samples import values

WANTED = Wanted({"main": BUDGET}, ("app", "chat"), frozenset(SERVICES))
ALL = [lease.name for lease in leases_of(WANTED)]


@pytest.fixture
async def cluster(autojump_clock: MockClock) -> AsyncIterator[Cluster]:
    async with trio.open_nursery() as nursery:
        yield Cluster(nursery)
        nursery.cancel_scope.cancel()


def nobody_works_twice(cluster: Cluster) -> None:
    for one, other in combinations(cluster.processes, 2):
        both = [name for name in one.working if one.owns(name) and other.owns(name)]
        assert both == []


def all_is_done(cluster: Cluster) -> bool:
    nobody_works_twice(cluster)
    return all(cluster.workers(name) for name in ALL)


async def test_a_single_instance_does_everything_at_once(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    assert all(cluster.workers(name) == ["alpha"] for name in ALL)
    assert alpha.rates == {"main": BUDGET}


async def test_an_instance_that_joins_gets_its_share(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    beta = await cluster.start("beta")
    await cluster.until(lambda: cluster.shards(beta) >= SHARDS * 3 / 8, within=20 * LEASE)
    await cluster.until(lambda: all_is_done(cluster), within=LEASE)
    assert cluster.shards(alpha) + cluster.shards(beta) == SHARDS
    lanes = [cluster.workers(lane_lease(name)) for name in ("app", "chat")]
    assert sorted(lanes) == [["alpha"], ["beta"]]


async def test_a_killed_instance_is_replaced_within_two_lease_times(
    autojump_clock: MockClock,
    cluster: Cluster,
) -> None:
    alpha = await cluster.start("alpha")
    await cluster.start("beta")
    await cluster.start("gamma")
    await trio.sleep(20 * LEASE)
    assert all_is_done(cluster)

    cluster.kill(alpha)
    assert await cluster.until(lambda: all_is_done(cluster), within=2 * LEASE) > LEASE / 2


async def test_what_is_handed_over_is_taken_at_once_by_who_hears_of_it(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    cluster.hears_hints = True
    alpha, beta = await cluster.start("alpha"), await cluster.start("beta")
    await cluster.until(lambda: all_is_done(cluster), within=20 * LEASE)
    await trio.sleep(10 * LEASE)
    await alpha.member.drain()
    assert await cluster.until(lambda: cluster.shards(beta) == SHARDS, within=LEASE) < 1.5


async def test_all_take_their_part_as_soon_as_one_has_buried_a_dead_one(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    cluster.hears_hints = True
    alpha = await cluster.start("alpha")
    for name in ("beta", "gamma"):
        await cluster.start(name)
    await trio.sleep(20 * LEASE)
    cluster.kill(alpha)
    assert await cluster.until(lambda: all_is_done(cluster), within=2 * LEASE) < 1.1 * LEASE


async def test_a_storm_of_hints_brings_about_one_beat_a_second(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    beats = 0
    beat = alpha.membership.beat

    async def counted() -> bool:
        nonlocal beats
        beats += 1
        return await beat()

    alpha.membership.beat = counted  # type: ignore[method-assign]
    for _ in range(3000):
        alpha.membership.hint()
        await trio.sleep(0.01)
    assert 25 <= beats <= 33


async def test_a_stopped_instance_stops_by_itself_and_drops_all_when_it_wakes(
    autojump_clock: MockClock,
    cluster: Cluster,
) -> None:
    alpha = await cluster.start("alpha")
    beta = await cluster.start("beta")
    await trio.sleep(20 * LEASE)
    alpha.link.stop()
    for _ in range(60):
        await trio.sleep(LEASE / 30)
        nobody_works_twice(cluster)
    assert cluster.shards(beta) == SHARDS
    assert alpha.working  # it has not noticed yet
    assert not alpha.is_working

    alpha.link.go()
    await cluster.until(lambda: alpha.buried == 1, within=LEASE)
    await cluster.until(lambda: cluster.shards(alpha) > SHARDS / 4, within=20 * LEASE)
    nobody_works_twice(cluster)


async def test_an_instance_that_is_cut_off_for_a_moment_keeps_everything(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    await cluster.start("beta")
    await trio.sleep(20 * LEASE)
    before = dict(alpha.working)
    alpha.link.is_cut = True
    await trio.sleep(LEASE / 2)
    alpha.link.is_cut = False
    await trio.sleep(2 * LEASE)
    assert (alpha.working, alpha.buried) == (before, 0)
    assert alpha.is_working


async def test_when_the_store_is_down_for_all_nobody_is_buried(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    processes = [await cluster.start(name) for name in ("alpha", "beta", "gamma")]
    await trio.sleep(20 * LEASE)
    before = [dict(one.working) for one in processes]
    for one in processes:
        one.link.is_cut = True
    await trio.sleep(4 * LEASE)
    assert not any(one.is_working for one in processes)
    for one in processes:
        one.link.is_cut = False

    took = await cluster.until(lambda: all_is_done(cluster), within=LEASE)
    assert took < LEASE / 3
    assert [one.working for one in processes] == before
    assert not any(one.buried for one in processes)


@pytest.mark.parametrize("hangs", [True, False])
@pytest.mark.parametrize("away", [0.62, 0.7, 0.78])
async def test_when_the_store_is_away_for_less_than_a_lease_time_nobody_is_buried(
    autojump_clock: MockClock, cluster: Cluster, away: float, *, hangs: bool
) -> None:
    processes = [await cluster.start(name) for name in ("alpha", "beta", "gamma", "delta")]
    await trio.sleep(20 * LEASE)
    for _ in range(20):
        for one in processes:
            one.link.is_cut = not hangs
            if hangs:
                one.link.stop()
        await trio.sleep(away * LEASE)
        for one in processes:
            one.link.go()
            one.link.is_cut = False
        await trio.sleep(3 * LEASE)
    assert [one.buried for one in processes] == [0, 0, 0, 0]


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
async def test_a_step_of_the_databases_clock_buries_nobody_who_lives_and_all_who_do_not(
    autojump_clock: MockClock, cluster: Cluster, step: float
) -> None:
    processes = [await cluster.start(name) for name in ("alpha", "beta", "gamma")]
    await trio.sleep(20 * LEASE)
    cluster.kill(processes.pop())
    cluster.clock_stepped = step
    await cluster.until(lambda: all_is_done(cluster), within=3 * LEASE)
    assert [one.buried for one in processes] == [0, 0]


async def test_a_dead_machine_is_replaced_after_the_databases_clock_was_set_back(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    cluster.kill(alpha)
    cluster.clock_stepped = -3600.0
    await cluster.start("alpha")
    assert all_is_done(cluster)


@pytest.mark.parametrize("off", [-1e9, 1e9])
async def test_a_clock_that_is_off_changes_nothing(
    autojump_clock: MockClock, cluster: Cluster, off: float
) -> None:
    alpha = cluster.process("alpha")
    alpha.clock_off = off
    await cluster.nursery.start(alpha.run)
    await cluster.start("beta")
    await trio.sleep(20 * LEASE)
    assert all_is_done(cluster)
    assert alpha.buried == 0


async def test_draining_hands_everything_over_before_it_returns(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    await cluster.start("beta")
    await trio.sleep(20 * LEASE)
    alpha.stop_takes = 3.0
    with trio.fail_after(LEASE):
        await alpha.member.drain()
    assert alpha.working == {}
    await alpha.member.leave()
    cluster.kill(alpha)
    await cluster.until(lambda: all_is_done(cluster), within=2 * LEASE)


async def test_what_a_draining_instance_hands_over_is_taken_by_all_others_and_stays_there(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha, beta, gamma = [await cluster.start(name) for name in ("alpha", "beta", "gamma")]
    await trio.sleep(20 * LEASE)
    alpha.stop_takes = 2 * LEASE  # as for a lane whose attempts hang
    cluster.nursery.start_soon(alpha.member.drain)
    await trio.sleep(2 * LEASE + 1)
    await cluster.until(
        lambda: cluster.shards(beta) + cluster.shards(gamma) == SHARDS, within=LEASE / 2
    )
    for _ in range(30):
        assert all_is_done(cluster)
        await trio.sleep(1)


async def test_an_operator_can_have_an_instance_hand_over(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    beta = await cluster.start("beta")
    await beta.store.drain("alpha")
    await cluster.until(lambda: cluster.shards(beta) == SHARDS, within=2 * LEASE)
    assert alpha.working == {}


async def test_an_instance_that_is_undrained_takes_its_share_again(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha, beta = await cluster.start("alpha"), await cluster.start("beta")
    await beta.store.drain("alpha")
    await cluster.until(lambda: cluster.shards(beta) == SHARDS, within=2 * LEASE)
    await beta.store.bury(alpha.membership.id)  # then its new row says that it drains
    await trio.sleep(2 * LEASE)
    await beta.store.undrain("alpha")
    await cluster.until(lambda: cluster.shards(alpha) >= SHARDS * 3 / 8, within=20 * LEASE)
    await cluster.until(lambda: all_is_done(cluster), within=LEASE)


async def test_an_instance_that_ends_hands_over_whatever_operators_say(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha, beta = await cluster.start("alpha"), await cluster.start("beta")
    await trio.sleep(20 * LEASE)
    alpha.stop_takes = LEASE
    cluster.nursery.start_soon(alpha.member.drain)
    await trio.sleep(LEASE / 2)
    await beta.store.undrain("alpha")
    await cluster.until(lambda: cluster.shards(beta) == SHARDS, within=2 * LEASE)
    await trio.sleep(5 * LEASE)
    assert alpha.working == {}


async def test_an_instance_that_was_buried_while_it_drained_goes_on_draining(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    beta = await cluster.start("beta")
    await beta.store.drain("alpha")
    await cluster.until(lambda: cluster.shards(beta) == SHARDS, within=2 * LEASE)
    before = alpha.membership.id
    await beta.store.bury(before)
    await cluster.until(lambda: alpha.membership.id != before, within=2 * LEASE)
    await trio.sleep(5 * LEASE)
    assert cluster.shards(beta) == SHARDS


async def test_endpoints_with_different_urls_are_warned_of_once(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    with capture_logs() as logs:
        beta = await cluster.start("beta")
        await beta.store.reconcile_endpoints({"app": "another", "chat": "mark"})
        await trio.sleep(5 * LEASE)
        warned = [line["endpoints"] for line in logs if line["event"] == "config_differs"]
        assert warned == [["app"], ["app"]]  # one line of each instance
        assert values(alpha.metrics)["notifier_config_differs",] == 1
        await beta.store.reconcile_endpoints({"app": "mark", "chat": "mark"})
        await trio.sleep(2 * LEASE)
    assert [line["event"] for line in logs].count("config_differs_no_more") == 2
    assert values(alpha.metrics)["notifier_config_differs",] == 0


async def test_an_endpoint_that_only_another_one_has_is_warned_of_once(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    with capture_logs() as logs:
        await cluster.start("alpha", lanes=("app", "chat"))
        beta = await cluster.start("beta", lanes=("app",))
        await trio.sleep(5 * LEASE)
        warned = [line["endpoints"] for line in logs if line["event"] == "config_lacks"]
        assert warned == [["chat"]]
        beta.member.change(replace(beta.wanted, lanes=("app", "chat")))
        await trio.sleep(2 * LEASE)
    assert [line["event"] for line in logs].count("config_lacks_no_more") == 1


async def test_metrics_say_what_each_instance_owns_and_how_long_it_may_work(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    processes = [await cluster.start(name) for name in ("alpha", "beta", "gamma")]
    await trio.sleep(20 * LEASE)
    seen = [values(process.metrics) for process in processes]
    assert sum(each["notifier_leases", "watch"] for each in seen) == SHARDS
    assert sum(each["notifier_leases", "chores"] for each in seen) == 1
    assert [each["notifier_instances",] for each in seen] == [3, 3, 3]
    assert all(each["notifier_takeover_seconds_count",] > 0 for each in seen)
    assert all(0 < each["notifier_lease_trust_seconds",] < LEASE for each in seen)


async def test_what_only_one_has_configured_only_it_does(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    await cluster.start("alpha", ("main",), ("app",))
    beta = await cluster.start("beta", ("main", "other"), ("app", "chat"))
    await cluster.until(
        lambda: cluster.workers(watch_lease("other", 63)) == ["beta"], within=2 * LEASE
    )
    assert cluster.workers(lane_lease("chat")) == ["beta"]
    cluster.kill(beta)
    await trio.sleep(3 * LEASE)
    assert cluster.workers(watch_lease("other", 63)) == []
    assert cluster.workers(lane_lease("chat")) == []
    assert cluster.workers(CHORES) == ["alpha"]


async def test_who_does_not_discover_or_archive_leaves_that_to_those_who_do(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    await cluster.start("alpha", services=())
    await trio.sleep(2 * LEASE)
    assert cluster.workers(DISCOVERY.lease) == cluster.workers(ARCHIVE.lease) == []
    await cluster.start("beta", services=(ARCHIVE,))
    gamma = await cluster.start("gamma", services=(DISCOVERY, ARCHIVE))
    await cluster.until(lambda: cluster.workers(DISCOVERY.lease) == ["gamma"], within=2 * LEASE)
    cluster.kill(gamma)
    await cluster.until(lambda: cluster.workers(ARCHIVE.lease) == ["beta"], within=3 * LEASE)
    assert cluster.workers(DISCOVERY.lease) == []


async def test_what_a_reload_switches_off_is_done_by_another_one(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    beta = await cluster.start("beta", services=())
    await trio.sleep(LEASE)
    assert cluster.workers(DISCOVERY.lease) == ["alpha"]
    beta.member.change(replace(beta.wanted, services=frozenset({DISCOVERY})))
    alpha.member.change(replace(alpha.wanted, services=frozenset({ARCHIVE})))
    await cluster.until(lambda: cluster.workers(DISCOVERY.lease) == ["beta"], within=LEASE)
    assert cluster.workers(ARCHIVE.lease) == ["alpha"]
    alpha.member.change(replace(alpha.wanted, services=frozenset()))
    await cluster.until(lambda: cluster.workers(ARCHIVE.lease) == [], within=LEASE)


async def test_a_changed_config_moves_leases_without_a_restart(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    beta = await cluster.start("beta", (), ())
    alpha.member.change(Wanted({}, ()))
    beta.member.change(Wanted({"main": BUDGET}, ("app", "chat")))
    await beta.store.reconcile_endpoints({"app": "mark", "chat": "mark"})
    await cluster.until(lambda: cluster.shards(beta) == SHARDS, within=2 * LEASE)
    assert cluster.shards(alpha) == 0


async def test_the_budget_is_split_and_never_exceeded(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    alpha.wanted_rate = 50.0
    assert alpha.rates == {"main": BUDGET}
    beta = await cluster.start("beta")
    beta.wanted_rate = 50.0
    gamma = await cluster.start("gamma")
    gamma.wanted_rate = 1.0
    await trio.sleep(4 * LEASE)
    assert (alpha.rates["main"], beta.rates["main"]) == (4.5, 4.5)
    assert gamma.rates["main"] == 1.0

    cluster.kill(beta)
    await trio.sleep(3 * LEASE)
    assert (alpha.rates["main"], gamma.rates["main"]) == (9.0, 1.0)
    assert cluster.highest_rate <= BUDGET + 1e-9


async def test_an_instance_that_is_started_again_at_once_asks_as_often_as_before(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    for name in ("alpha", "beta"):
        (await cluster.start(name)).wanted_rate = 50.0
    await trio.sleep(4 * LEASE)
    beta = cluster.processes[1]
    cluster.kill(beta)
    cluster.dead.add(101)
    again = cluster.process("beta")
    again.wanted_for_shards = 50.0
    await cluster.nursery.start(again.run)
    assert again.working
    assert again.rates == {"main": BUDGET / 2}
    assert cluster.highest_rate <= BUDGET + 1e-9


async def test_after_a_standby_was_promoted_each_instance_begins_anew_once(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha, beta = await cluster.start("alpha"), await cluster.start("beta")
    await cluster.until(lambda: all_is_done(cluster), within=20 * LEASE)
    cluster.history = "2"
    await cluster.until(lambda: (alpha.buried, beta.buried) == (1, 1), within=LEASE)
    await cluster.until(lambda: all_is_done(cluster), within=2 * LEASE)
    await trio.sleep(4 * LEASE)
    assert (alpha.buried, beta.buried) == (1, 1)
    assert alpha.working
    assert beta.working


async def test_a_history_that_cannot_be_told_changes_nothing(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    for history in ("", "1", ""):
        cluster.history = history
        await trio.sleep(2 * LEASE)
    assert alpha.buried == 0


async def test_the_owner_of_a_shard_is_told_what_others_change_in_it(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha", ("main",), ())
    beta = await cluster.start("beta", (), ())

    watch, _ = await beta.store.add_watch(spec(), again=False)
    took = await cluster.until(lambda: watch.row in alpha.watches, within=2.5)
    assert took <= 2.5
    assert values(alpha.metrics)["notifier_hints_late_total",] == 1
    await beta.store.remove_watch(watch.key)
    await cluster.until(lambda: watch.row not in alpha.watches, within=2.5)

    again, _ = await alpha.store.add_watch(spec("video_2"), again=False)
    alpha.member.hint()
    late = values(alpha.metrics)["notifier_hints_late_total",]
    await cluster.until(lambda: again.row in alpha.watches, within=0.3)
    assert values(alpha.metrics)["notifier_hints_late_total",] == late
    assert alpha.member.leaseholder.owns(alpha.watches[again.row].fence)


async def test_mail_whose_answer_is_lost_is_read_again(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    beta = await cluster.start("beta", (), ())
    watch, _ = await beta.store.add_watch(spec(), again=False)
    alpha.link.loses_answers = True
    await trio.sleep(3)
    alpha.link.loses_answers = False
    await cluster.until(lambda: watch.row in alpha.watches, within=5)


async def test_a_watch_that_is_withdrawn_while_its_shard_is_read_is_not_polled(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    beta = await cluster.start("beta", (), ())
    watch, _ = await beta.store.add_watch(spec(), again=False)
    alpha = await cluster.start("alpha", ("other",), ())
    alpha.reading_takes, alpha.is_reading = 4.0, False
    alpha.member.change(Wanted({"main": BUDGET}, ()))
    await cluster.until(lambda: alpha.is_reading, within=LEASE)
    await beta.store.remove_watch(watch.key)
    await cluster.until(lambda: alpha.owns(watch_lease("main", 0)), within=LEASE)
    await trio.sleep(3)
    assert alpha.watches == {}


async def test_a_shard_is_read_whole_by_who_takes_it(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    watch, _ = await alpha.store.add_watch(spec(), again=False)
    beta = await cluster.start("beta")
    cluster.kill(alpha)
    await cluster.until(lambda: watch.row in beta.watches, within=2 * LEASE)


async def test_a_take_whose_answer_is_lost_is_found_at_the_next_beat(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = cluster.process("alpha")
    await alpha.join()
    alpha.link.loses_answers = True
    await cluster.nursery.start(alpha.member.run)
    alpha.link.loses_answers = False
    await cluster.until(lambda: all_is_done(cluster), within=2 * LEASE)


async def test_work_that_cannot_be_begun_is_begun_later(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = cluster.process("alpha")
    alpha.refuses_starts = 1
    await cluster.nursery.start(alpha.run)
    await cluster.until(lambda: all_is_done(cluster), within=2 * LEASE)


async def test_a_lease_that_is_owned_by_another_is_let_go(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")

    cluster.database.transact(
        lambda db: db.execute("UPDATE leases SET owner = NULL WHERE name = ?", (CHORES,))
    )
    before = alpha.working[CHORES]
    alpha.stop_takes = 1.0
    await cluster.until(lambda: CHORES not in alpha.working, within=LEASE)
    await cluster.until(lambda: alpha.owns(CHORES), within=2 * LEASE)
    assert alpha.working[CHORES].epoch > before.epoch


async def test_two_live_instances_of_one_name_are_refused(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    await cluster.start("alpha")
    second = cluster.process("alpha")
    began = trio.current_time()
    with pytest.raises(InstanceRefusedError, match="alpha") as refused:
        await second.join()
    assert refused.value.exit_code == 78
    assert trio.current_time() - began >= LEASE


@pytest.mark.parametrize("part", [0.5, 0.25, 0.1])
async def test_a_live_instance_with_a_longer_lease_keeps_its_name(
    autojump_clock: MockClock, cluster: Cluster, part: float
) -> None:
    alpha = await cluster.start("alpha")
    second = cluster.process("alpha")
    second.membership.lease = LEASE * part
    with pytest.raises(InstanceRefusedError, match="alpha"):
        await second.join()
    await trio.sleep(LEASE)
    assert not alpha.buried


async def test_a_dead_process_of_the_same_machine_is_replaced_at_once(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    cluster.dead.add(100)
    cluster.kill(alpha)
    began = trio.current_time()
    await cluster.start("alpha")
    assert trio.current_time() - began < 1.0
    assert all_is_done(cluster)


async def test_a_dead_machine_of_the_same_name_is_waited_for(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    cluster.kill(alpha)
    began = trio.current_time()
    await cluster.start("alpha")
    assert LEASE / 2 < trio.current_time() - began < 1.2 * LEASE
    assert all_is_done(cluster)


async def test_a_step_of_the_clock_while_a_name_is_waited_for_buries_nobody_who_lives(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha, beta = await cluster.start("alpha"), await cluster.start("beta")
    cluster.kill(alpha)
    again = cluster.process("alpha")
    async with trio.open_nursery() as joining:
        joining.start_soon(again.join)
        await trio.sleep(LEASE - 0.1)
        beta.link.is_cut = True  # it does not beat with the clock as it is now
        cluster.clock_stepped = 3600.0
    beta.link.is_cut = False
    await trio.sleep(LEASE / 2)
    assert not beta.buried


async def test_an_instance_that_was_just_cut_off_buries_nobody(
    autojump_clock: MockClock, cluster: Cluster
) -> None:
    alpha = await cluster.start("alpha")
    beta = await cluster.start("beta")
    await trio.sleep(20 * LEASE)
    alpha.link.is_cut = beta.link.is_cut = True
    await trio.sleep(3 * LEASE)
    alpha.link.is_cut = False
    await trio.sleep(LEASE * 0.9)
    names = [one.instance.name for one in cluster.database.transact(instances.alive)]
    assert names == ["alpha", "beta"]
    await trio.sleep(LEASE)
    names = [one.instance.name for one in cluster.database.transact(instances.alive)]
    assert names == ["alpha"]
