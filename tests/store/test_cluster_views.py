"""What operators see of instances, and how what a dead one listed is dropped."""

from typing import Any

import pytest

from notifier.errors import ConflictError, UnknownError
from notifier.metrics import ClusterCondition, Metrics
from notifier.model.event import NotRecorded
from notifier.model.instance import Instance
from notifier.model.lease import CHORES, Fence, Lease, LeaseKind, lane_lease, watch_lease
from notifier.model.workload import Backlog
from notifier.store import InlineExecutor, cluster_views, instances, leases
from notifier.store.forgetting import forget
from notifier.store.queries import ALL_WATCHES, WatchFilter
from notifier.store.schema import VERSION
from notifier.store.shared_store import SharedStore
from tests.builders import START, Time, listing, memory_database, new_event, snapshot, spec
from tests.metrics.samples import values

pytestmark = pytest.mark.usefixtures("each_engine")

LEASE = 15.0


class Cluster:
    """Instances of one store, without a process."""

    def __init__(self) -> None:
        self.time = Time()
        self.database = memory_database()

    def join(self, name: str, metrics: Metrics | None = None) -> SharedStore:
        store = SharedStore(self.database, InlineExecutor(), self.time, metrics, name=name)
        store.instance = f"id of {name}"
        instance = Instance(store.instance, name, f"host-{name}", "boot", 7, "1.0", VERSION)
        assert self.database.transact(instances.register, instance, LEASE, self.time.at)
        return store

    def own(self, store: SharedStore, *wanted: Lease) -> None:
        self.database.transact(leases.ensure, wanted)
        names = [lease.name for lease in wanted]
        self.database.transact(leases.take, store.instance, names, self.time.at)

    def rows(self) -> dict[str, dict[str, Any]]:
        view = self.database.query(lambda db: cluster_views.read(db, self.time.at))
        return {str(row["name"]): row for row in view.as_rows()}

    def owners(self) -> dict[str, str]:
        return dict(self.database.query(lambda db: cluster_views.read(db, self.time.at)).lanes)

    def forget(self, name: str) -> int:
        return self.database.transact(forget, name, self.time.at)


async def test_each_instance_is_shown_with_what_it_does() -> None:
    cluster = Cluster()
    alpha, beta = cluster.join("alpha"), cluster.join("beta")
    await alpha.sync_watches([listing(spec("a"), spec("b"), source="a.toml")], [])
    shard = Lease(watch_lease("main", 0), LeaseKind.WATCH, "main", None, 0)
    lane = Lease(lane_lease("app"), LeaseKind.LANE, "app", None, 0)
    cluster.own(alpha, shard)
    cluster.own(beta, lane, Lease(CHORES, LeaseKind.CHORES, "", None, 0))
    cluster.time.at += 5
    rows = cluster.rows()
    assert {name: row["watches"] for name, row in rows.items()} == {"alpha": 2, "beta": 0}
    assert rows["alpha"]["leases"]["watch"] == 1
    assert rows["beta"]["lanes"] == ["app"]
    assert rows["beta"]["leases"]["chores"] == 1
    assert cluster.owners() == {"app": "beta"}
    assert (rows["alpha"]["uptime_seconds"], rows["alpha"]["expires_in_seconds"]) == (5, 10)
    assert (rows["alpha"]["host"], rows["alpha"]["pid"], rows["alpha"]["version"]) == (
        "host-alpha",
        7,
        "1.0",
    )


async def test_sums_of_open_work_over_all_instances_count_each_watch_and_delivery_once() -> None:
    cluster = Cluster()
    alpha, beta = cluster.join("alpha"), cluster.join("beta")
    for video in ("a", "b", "c"):
        await alpha.add_watch(spec(video), again=False)
    watch, _ = await alpha.add_watch(spec("done"), again=False)
    await alpha.reconcile_endpoints({"app": "mark"})
    await alpha.record_ending(watch.row, new_event("evt_1", ("app",)), snapshot())
    shard = Lease(watch_lease("main", 0), LeaseKind.WATCH, "main", None, 0)
    lane = Lease(lane_lease("app"), LeaseKind.LANE, "app", None, 0)
    cluster.own(alpha, shard)
    cluster.own(beta, lane)
    polls, delivers = await alpha.workload(), await beta.workload()
    assert (polls.open_watches, delivers.open_watches) == ({"main": 3}, {})
    assert (polls.backlogs, delivers.backlogs) == ({}, {"app": Backlog(pending=1)})
    assert (polls.lanes, delivers.lanes) == (set(), {"app"})


async def test_an_ending_of_a_former_owner_is_counted() -> None:
    metrics = Metrics()
    metrics.joined_cluster(lambda: ClusterCondition(1, {}, 1.0, 0))
    cluster = Cluster()
    alpha = cluster.join("alpha", metrics)
    watch, _ = await alpha.add_watch(spec("one"), again=False)
    cluster.own(alpha, Lease(watch_lease("main", 0), LeaseKind.WATCH, "main", None, 0))
    former = Fence(watch_lease("main", 0), alpha.instance, 0)
    done = await alpha.record_ending(watch.row, new_event("evt_1"), snapshot(), fence=former)
    assert done is NotRecorded.FENCED
    assert values(metrics)["notifier_fenced_writes_total",] == 1


async def test_one_that_has_not_beaten_in_time_is_missing_until_it_is_buried() -> None:
    cluster = Cluster()
    cluster.join("alpha")
    cluster.time.at += LEASE + 3
    (row,) = cluster.rows().values()
    assert (row["alive"], row["expires_in_seconds"]) == (False, -3)


async def test_one_that_was_told_to_hand_over_is_draining() -> None:
    cluster = Cluster()
    store = cluster.join("alpha")
    cluster.join("beta")
    await store.drain("alpha")
    assert cluster.rows()["alpha"]["draining"] is True
    with pytest.raises(UnknownError, match=r"there is no instance .*unknown"):
        await store.drain("unknown")


async def test_the_last_one_that_works_is_not_drained() -> None:
    cluster = Cluster()
    alpha = cluster.join("alpha")
    cluster.join("beta")
    cluster.time.at += LEASE + 1
    gamma = cluster.join("gamma")
    with pytest.raises(ConflictError, match="no other instance could take over what gamma does"):
        await alpha.drain("gamma")
    await gamma.drain("alpha")  # which is missing


async def test_endpoints_with_different_urls_are_named_for_those_that_have_them() -> None:
    cluster = Cluster()
    alpha, beta, gamma = (cluster.join(name) for name in ("alpha", "beta", "gamma"))
    await alpha.recover({"app": "one", "same": "x"}, 60.0)
    await beta.recover({"app": "another", "same": "x"}, 60.0)
    await gamma.recover({"same": "x"}, 60.0)
    differs = {name: row["config_differs"] for name, row in cluster.rows().items()}
    assert differs == {"alpha": ["app"], "beta": ["app"], "gamma": []}


async def test_endpoints_that_only_others_have_are_named_for_those_that_record_events() -> None:
    cluster = Cluster()
    alpha, beta, gamma = (cluster.join(name) for name in ("alpha", "beta", "gamma"))
    await alpha.recover({"app": "x", "chat": "x", "chat@callback": "x"}, 60.0)
    await beta.recover({"app": "x"}, 60.0)
    await gamma.recover({"app": "x"}, 60.0)
    for store in (alpha, beta):
        await store.configure_gateways(["main"], ())
    lacks = {name: row["config_lacks"] for name, row in cluster.rows().items()}
    assert lacks == {"alpha": [], "beta": ["chat"], "gamma": []}


async def test_a_store_that_nobody_shares_has_no_instances() -> None:
    assert Cluster().rows() == {}


async def test_what_a_dead_instance_listed_is_dropped_and_what_others_list_is_kept() -> None:
    cluster = Cluster()
    alpha, beta = cluster.join("alpha"), cluster.join("beta")
    await alpha.sync_watches([listing(spec("only"), spec("both"), source="a.toml")], [])
    await beta.sync_watches([listing(spec("both"), source="a.toml")], [])
    await beta.beat(LEASE)
    cluster.time.at += LEASE + 1
    await beta.beat(LEASE)
    assert cluster.forget("alpha") == 1
    views = await beta.watches(WatchFilter(state="open"))
    assert [view.watch.key.video_id for view in views] == ["both"]
    # its row is over and still there: the others bury it as ever
    assert [one.name for one in await beta.bury_expired(cluster.time.at)] == ["alpha"]
    assert cluster.rows().keys() == {"beta"}


async def test_an_instance_that_lives_is_not_forgotten() -> None:
    cluster = Cluster()
    alpha = cluster.join("alpha")
    await alpha.sync_watches([listing(spec("one"), source="a.toml")], [])
    with pytest.raises(ConflictError, match=r"alpha lives \(pid 7 on host-alpha\): stop it first"):
        cluster.forget("alpha")
    assert [view.sources for view in await alpha.watches(ALL_WATCHES)] == [["alpha:a.toml"]]


async def test_a_name_of_which_nothing_is_known_is_an_error() -> None:
    with pytest.raises(UnknownError, match="nothing is known of an instance nobody"):
        Cluster().forget("nobody")


async def test_a_registration_lives_from_the_start() -> None:
    cluster = Cluster()
    cluster.join("alpha")
    assert cluster.rows()["alpha"]["started_at"] == START
