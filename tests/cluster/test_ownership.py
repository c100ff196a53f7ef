"""Work is shared by its weight, moves little, and is never left undone."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from notifier.cluster.ownership import TOO_MUCH, Decision, Member, decide
from notifier.model.lease import SHARDS, Fence, Lease, LeaseKind, lane_lease, watch_lease
from tests.cluster.cluster import SERVICES

GATEWAYS, ENDPOINTS = ("main", "other"), ("app", "chat", "log")


def shards(gateway: str = "main", owner: str | None = None) -> list[Lease]:
    return [
        Lease(watch_lease(gateway, number), LeaseKind.WATCH, gateway, owner, 1)
        for number in range(SHARDS)
    ]


def member(name: str, gateways: tuple[str, ...] = GATEWAYS, **fields: bool) -> Member:
    return Member(name, gateways, ENDPOINTS, SERVICES, **fields)


class Cluster:
    """Leases and members that decide in turn; the store is a dictionary."""

    def __init__(self, leases: list[Lease], members: list[Member], seed: int = 1) -> None:
        self.leases = {lease.name: lease for lease in leases}
        self.members = {one.id: one for one in members}
        self.rng = Random(seed)
        self.moved = 0
        self._seen_free: dict[str, set[str]] = {}

    def beat(self, name: str) -> Decision:
        """Let a member decide by what it sees, and do it."""
        free = {lease.name for lease in self.leases.values() if lease.owner is None}
        seen = self._seen_free.get(name, set())
        self._seen_free[name] = free
        made = decide(
            self.members[name],
            self.members.values(),
            list(self.leases.values()),
            left_over=free & seen,
            rng=self.rng,
        )
        for fence in made.hand_over:
            self.leases[fence.lease] = self.leases[fence.lease]._replace(owner=None)
        for lease in made.take:
            before = self.leases[lease]
            assert before.owner is None
            self.leases[lease] = before._replace(owner=name, epoch=before.epoch + 1)
        self.moved += len(made.hand_over) + len(made.take)
        return made

    def round(self) -> None:
        for name in self.rng.sample(sorted(self.members), len(self.members)):
            self.beat(name)

    def settle(self, rounds: int = 60) -> None:
        for _ in range(rounds):
            before = self.moved
            self.round()
            self.round()  # what nobody's share has room for is taken when it is seen again
            if self.moved == before:
                return
        raise AssertionError("it never settles")

    def owned(self, name: str) -> float:
        return sum(lease.weight for lease in self.leases.values() if lease.owner == name)

    def bury(self, name: str) -> None:
        del self.members[name]
        for lease in list(self.leases.values()):
            if lease.owner == name:
                self.leases[lease.name] = lease._replace(owner=None)


def test_the_first_instance_takes_everything() -> None:
    cluster = Cluster(shards(), [member("a")])
    cluster.beat("a")
    assert cluster.owned("a") == SHARDS


def test_an_instance_that_joins_gets_its_share_bit_by_bit() -> None:
    cluster = Cluster(shards(owner="a"), [member("a"), member("b")])
    made = cluster.beat("a")
    assert len(made.hand_over) == SHARDS // 8  # a quarter of the surplus, which is a half
    cluster.settle()
    assert cluster.owned("a") <= TOO_MUCH * SHARDS / 2
    assert cluster.owned("a") + cluster.owned("b") == SHARDS


def test_what_is_balanced_enough_stays_where_it_is() -> None:
    leases = [
        lease._replace(owner="a" if number < 39 else "b") for number, lease in enumerate(shards())
    ]
    cluster = Cluster(leases, [member("a"), member("b")])
    cluster.round()
    assert cluster.moved == 0


def test_the_work_of_a_dead_instance_is_taken_at_once_by_all_others() -> None:
    cluster = Cluster(shards(), [member("a"), member("b"), member("c")])
    cluster.settle()
    cluster.bury("c")
    cluster.round()
    assert cluster.owned("a") + cluster.owned("b") == SHARDS
    assert max(cluster.owned("a"), cluster.owned("b")) <= SHARDS / 2 + 1


def test_only_who_has_configured_a_gateway_owns_its_shards() -> None:
    cluster = Cluster([*shards("main"), *shards("other")], [member("a", ("main",)), member("b")])
    cluster.settle()
    of_other = {lease.owner for lease in cluster.leases.values() if lease.subject == "other"}
    assert of_other == {"b"}


def test_an_instance_whose_config_loses_a_gateway_hands_its_shards_over_at_once() -> None:
    cluster = Cluster(shards("other", "a"), [member("a", ("main",)), member("b")])
    assert len(cluster.beat("a").hand_over) == SHARDS


def test_who_drains_hands_all_over_and_takes_nothing() -> None:
    cluster = Cluster(shards(owner="a"), [member("a", draining=True), member("b")])
    assert len(cluster.beat("a").hand_over) == SHARDS
    cluster.settle()
    assert cluster.owned("b") == SHARDS


def test_the_last_instance_that_drains_hands_over_as_well() -> None:
    fence = Fence(lane_lease("app"), "a", 1)
    lane = Lease(fence.lease, LeaseKind.LANE, "app", "a", 1)
    made = decide(member("a", draining=True), [], [lane], left_over=(), rng=Random(1))
    assert (made.take, made.hand_over) == ([], [fence])


def test_lanes_are_shared_apart_from_shards() -> None:
    lanes = [Lease(lane_lease(name), LeaseKind.LANE, name, None, 0) for name in ENDPOINTS]
    cluster = Cluster([*shards(), *lanes], [member("a"), member("b"), member("c")])
    cluster.settle()
    owners = {cluster.leases[lane_lease(name)].owner for name in ENDPOINTS}
    assert owners == {"a", "b", "c"}


def test_one_heavy_lease_is_not_handed_back_and_forth() -> None:
    heavy = Lease("watch:main:0", LeaseKind.WATCH, "main", "a", 1, 100.0)
    light = Lease("watch:main:1", LeaseKind.WATCH, "main", "a", 1, 1.0)
    cluster = Cluster([heavy, light], [member("a"), member("b")])
    cluster.settle()
    assert cluster.leases["watch:main:0"].owner == "a"
    assert cluster.leases["watch:main:1"].owner == "b"


@given(data=st.data())
def test_from_any_state_all_work_is_done_by_who_can_and_comes_to_rest(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from("abcde"), min_size=1, unique=True))
    members = [
        member(
            name,
            tuple(data.draw(st.lists(st.sampled_from(GATEWAYS), unique=True, min_size=1))),
        )
        for name in names
    ]
    weights = st.floats(1.0, 50.0)
    leases = [
        Lease(
            watch_lease(gateway, number),
            LeaseKind.WATCH,
            gateway,
            data.draw(st.sampled_from([*names, None])),
            1,
            data.draw(weights),
        )
        for gateway in GATEWAYS
        for number in range(12)
    ]
    cluster = Cluster(leases, members, seed=data.draw(st.integers(0, 99)))
    cluster.settle(200)
    for lease in cluster.leases.values():
        able = {one.id for one in members if one.could_own(lease)}
        assert lease.owner in able or (lease.owner is None and not able)
