"""The life of several instances on one database, and what must hold in it.

Instances are killed, stopped, cut off, drained and started again, and at times the database is
away for all of them. In some lives it answers slowly, in some the gateway and the receivers do:
then trouble comes in the middle of calls.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

import structlog
import trio
from trio.testing import MockClock

from notifier.model.delivery import Claim
from notifier.model.lease import lane_lease, shard_of, watch_lease
from notifier.store import Database
from notifier.store import instances as instances_sql
from notifier.store import leases as leases_sql
from notifier.store.connection import Connection
from notifier.store.shared_store import SharedStore
from tests.builders import START
from tests.simulation.instances import BUDGET, ENDPOINTS, LEASE, SimulatedInstance
from tests.simulation.run import _schedule_by

NAMES = ("alpha", "beta", "gamma")
LIFE = 900.0
"""How long trouble lasts, in virtual seconds; after it all must come to rest."""

_REST = 300.0
_SLOWEST_CALL = 8.0
"""How long the slowest call of a slow store takes; the store's own deadline is at nine."""

_STEP = 0.01
_HANDED_OVER = 30.0
"""For so long at most a lease is free while it goes from one to another."""

_IN_FLIGHT = 60.0
"""After so long no attempt is in flight any more."""


@dataclass
class Life:
    """One seed's life: the jobs, the database, and what was seen from the outside.

    `make_store` and `plant` are where a test plants a bug.
    """

    seed: int
    make_store: Callable[..., SharedStore] = SharedStore
    plant: Callable[[SimulatedInstance], None] = lambda _: None
    problems: list[str] = field(default_factory=list)
    events: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    received: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    polls: list[float] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    instances: list[SimulatedInstance] = field(default_factory=list)
    troubles: int = 0

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.ids = count()
        self.database = Database.in_memory("simulation")
        self.jobs = {
            f"video_{n}": (at := self.rng.uniform(0, LIFE), at + self.rng.uniform(5, 240))
            for n in range(60)
        }
        self.files = {video: self.rng.choice(NAMES) for video in self.jobs}
        self.slowest_answer = self.rng.choice((0.5, 4.0))
        self.has_slow_store = self.rng.random() < 0.5

    def delay(self) -> float:
        """Return how long a call takes to the store, or its answer to come back."""
        is_slow = self.has_slow_store and self.rng.random() < 0.2
        return self.rng.uniform(0, _SLOWEST_CALL / 2) if is_slow else 0.01

    def now(self) -> float:
        return START + trio.current_time()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for name in NAMES:
                self.start(nursery, name)
            with trio.move_on_after(LIFE):
                while True:
                    await trio.sleep(self.rng.expovariate(1 / 60))
                    self.troubles += 1
                    await self._trouble(nursery, self.rng.choice(self.instances))
            self._end_trouble(nursery)
            await trio.sleep(_REST)
            free = self._free()
            await trio.sleep(_HANDED_OVER)
            if left := free & self._free():
                self.problems.append(f"nobody's: {min(left)} and {len(left) - 1} more")
            nursery.cancel_scope.cancel()
        self._check()

    def start(self, nursery: trio.Nursery, name: str) -> None:
        instance = SimulatedInstance(self, name, next(self.ids))
        self.plant(instance)
        self.instances.append(instance)
        nursery.start_soon(instance.run)

    def _end_trouble(self, nursery: trio.Nursery) -> None:
        for instance in list(self.instances):
            instance.link.go()
            instance.link.is_cut = False
            if instance.member.leaseholder.is_draining:
                self._end(instance)
        for name in set(NAMES) - {instance.name for instance in self.instances}:
            self.start(nursery, name)

    def _end(self, instance: SimulatedInstance) -> None:
        instance.scope.cancel()
        self.instances.remove(instance)

    async def _trouble(self, nursery: trio.Nursery, instance: SimulatedInstance) -> None:
        lasts = self.rng.uniform(0.1, 3 * LEASE)
        match self.rng.choice(("kill", "stop", "overtake", "cut", "drain", "outage")):
            case "kill":
                self._end(instance)
                await trio.sleep(lasts)
                self.start(nursery, instance.name)
            case "stop":
                instance.link.stop()
                await trio.sleep(lasts)
                instance.link.go()
            case "overtake":
                await self._overtake(instance)
            case "cut":
                instance.link.is_cut = True
                await trio.sleep(lasts)
                instance.link.is_cut = False
            case "drain":
                with trio.move_on_after(LEASE):
                    await instance.member.drain()
                self._end(instance)
                self.start(nursery, instance.name)
            case "outage":
                await self._lose_the_store(1.5 * LEASE + lasts)

    async def _overtake(self, instance: SimulatedInstance) -> None:
        """Stop an instance in the middle of a call; it goes on once others have its lanes."""
        lanes = [lane_lease(name) for name in instance.lanes]
        link, me = instance.link, instance.store.instance
        if self.rng.random() < 0.5:
            await _when(lambda: link.asking > 0)
        else:  # when it has beaten, before it has the answer
            await _when(lambda: instance.is_beating and not link.asking)
        link.stop()
        await _when(lambda: not self.is_registered(me))
        await _when(lambda: not {None, me} & {self.owner(lane) for lane in lanes})
        link.go()

    async def _lose_the_store(self, lasts: float) -> None:
        """Have the database away for all; nobody has been in contact with it when it is back."""
        began = trio.current_time()
        for instance in self.instances:
            instance.link.is_cut = True
        await trio.sleep(lasts)
        for instance in self.instances:
            instance.link.is_cut = False
        self.outages.append((began, trio.current_time()))

    def next_shard(self) -> None:
        """Let the next watches be in another stripe: few jobs would all be in the first."""
        self.database.transact(
            lambda db: db.execute(
                "UPDATE sqlite_sequence SET seq = seq + 1024 WHERE name = 'watches'"
            )
        )

    def owner(self, lease: str) -> str | None:
        """Return who owns a lease, by the database."""

        def read(db: Connection) -> str | None:
            row = db.execute("SELECT owner FROM leases WHERE name = ?", (lease,)).fetchone()
            return None if row is None else row[0]

        return self.database.transact(read)

    def shard_lease(self, video: str) -> str:
        def read(db: Connection) -> int:
            return int(
                db.execute("SELECT id FROM watches WHERE video_id = ?", (video,)).fetchone()[0]
            )

        return watch_lease("main", shard_of(self.database.transact(read)))

    def work(self, instance: SimulatedInstance, lease: str, what: str) -> None:
        """Note that an instance does the work of a lease at this moment."""
        owner = self.owner(lease)
        if owner not in {None, instance.store.instance}:
            self.problems.append(f"not the owner: {instance.name} {what}, which {owner} owns")

    def rates_changed(self) -> None:
        """Look whether those that may ask now ask too often together."""
        total = sum(one.rate for one in self.instances if one.rate and one.may_work())
        if total > BUDGET * 1.000001:
            self.problems.append(f"over budget: rates of {total:.2f} at {trio.current_time():.0f}")

    def buried(self, by: SimulatedInstance, dead: str, began: float) -> None:
        """Note that an instance buries another, by a call that began at that moment."""
        for start, end in self.outages:
            if start < began < end + 0.99 * LEASE - _SLOWEST_CALL / 2:
                self.problems.append(f"buried: {dead} by {by.name}, which had no contact itself")

    def is_registered(self, instance: str) -> bool:
        """Return whether an instance has not been buried, by its id."""
        registered = self.database.transact(instances_sql.alive)
        return instance in {one.instance.id for one in registered}

    def still_works(self, instance: SimulatedInstance) -> None:
        """Note if an instance that was buried takes itself for one that may work."""
        if instance.may_work() and not self.is_registered(instance.store.instance):
            self.problems.append(f"buried: {instance.name} works on")

    def claimed(self, instance: SimulatedInstance, lease: str, claims: Sequence[Claim]) -> None:
        """Note that claims were answered: a takeover has interrupted those made before it."""
        if self.owner(lease) in {None, instance.store.instance}:
            return
        if stray := self.database.transact(_in_flight, claims):
            self.problems.append(f"not the owner: {instance.name} claims {stray}")

    def _free(self) -> set[tuple[str, int]]:
        """Return the leases that nobody owns at this moment, with the number of their owners."""
        leases = self.database.transact(leases_sql.all_leases)
        return {(lease.name, lease.epoch) for lease in leases if lease.owner is None}

    def _check(self) -> None:
        for video in self.jobs:
            ids = self.events[video]
            if len(ids) != 1:
                self.problems.append(f"{len(ids)} events: {video}")
            for endpoint in ENDPOINTS:
                if not self.received[endpoint, video]:
                    self.problems.append(f"lost: {video} at {endpoint}")
        self.polls.sort()
        most = BUDGET * 10 + 2 * len(NAMES)
        for number, at in enumerate(self.polls):
            until = number + int(most)
            if until < len(self.polls) and self.polls[until] - at < 10:
                self.problems.append(f"over budget: at {at:.0f}")
                break
        if stranded := self.database.transact(_in_flight_before, self.now() - _IN_FLIGHT):
            self.problems.append(f"stranded: {stranded} deliveries in flight")


async def _when(condition: Callable[[], bool]) -> None:
    """Return when `condition` is true, at last after two lease times."""
    for _ in range(int(2 * LEASE / _STEP)):
        if condition():
            return
        await trio.sleep(_STEP)


def _in_flight(db: Connection, claims: Sequence[Claim]) -> list[int]:
    sql = "SELECT id FROM deliveries WHERE id = ? AND attempts = ? AND in_flight IS NOT NULL"
    asked = [db.execute(sql, (one.delivery, one.attempt)).fetchone() for one in claims]
    return [row[0] for row in asked if row is not None]


def _in_flight_before(db: Connection, at: float) -> int:
    (number,) = db.execute("SELECT count(*) FROM deliveries WHERE in_flight < ?", (at,)).fetchone()
    return int(number)


def live(
    seed: int,
    plant: Callable[[SimulatedInstance], None] = lambda _: None,
    make_store: Callable[..., SharedStore] = SharedStore,
) -> Life:
    """Live one seed's life to its verdict, which is in `problems`."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    life = Life(seed, make_store, plant)
    _schedule_by(seed)
    try:
        trio.run(life.run, clock=MockClock(autojump_threshold=0))
        return life
    finally:
        life.database.close()
        structlog.reset_defaults()
