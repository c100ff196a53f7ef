"""Several members of one cluster, on one database in memory and on virtual time."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import ParamSpec, TypeVar

import trio

from notifier.cluster.deps import Surroundings, Wanted
from notifier.cluster.member import Member
from notifier.cluster.membership import Membership
from notifier.errors import StoreError
from notifier.metrics import Metrics
from notifier.model.instance import Instance
from notifier.model.lease import Lease, LeaseKind, Service
from notifier.model.watch import Watch, WatchChanges
from notifier.polling import GatewayScheduler
from notifier.store.engine import Engine
from notifier.store.schema import VERSION
from notifier.store.shared_store import SharedStore
from tests.builders import START, memory_database

P = ParamSpec("P")
T = TypeVar("T")

LEASE = 15.0
BUDGET = 10.0
HOST = "machine"
DISCOVERY, ARCHIVE = Service(LeaseKind.DISCOVERY, "main"), Service(LeaseKind.ARCHIVE, "main")
SERVICES = DISCOVERY, ARCHIVE


class Link:
    """An executor between an instance and the database that a test can cut or stop.

    A call takes `delay` seconds there, and its answer as long back.
    """

    def __init__(self, delay: Callable[[], float] = lambda: 0.01) -> None:
        self._delay = delay
        self.asking = 0
        """How many calls are on their way to the database."""
        self.is_cut = False
        self.loses_answers = False
        self._going = trio.Event()
        self._going.set()

    def stop(self) -> None:
        """Let calls block until `go`, as those of a stopped process."""
        self._going = trio.Event()

    def go(self) -> None:
        self._going.set()

    async def pass_through(self) -> None:
        """Return at once, or when a stopped process goes on."""
        await self._going.wait()

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.asking += 1
        try:
            await trio.sleep(self._delay())
            await self._going.wait()
        finally:
            self.asking -= 1
        if self.is_cut:
            raise StoreError("the store cannot be reached")
        result = function(*args, **kwargs)
        if self.loses_answers:
            raise StoreError("it is not known whether that was committed")
        await trio.sleep(self._delay())
        await self._going.wait()
        return result

    def another(self) -> "Link":
        """Return this one: a machine that is cut off is cut off from everything."""
        return self


class Process:
    """One process, with work that only notes what it does."""

    def __init__(self, cluster: "Cluster", name: str, pid: int, wanted: Wanted) -> None:
        self.cluster = cluster
        self.name = name
        self.wanted = wanted
        self.link = Link()
        self.store = SharedStore(
            *(cluster.database, self.link, cluster.now),
            name=name,
            database_time=lambda _: cluster.now(),
            database_history=lambda _: cluster.history,
        )
        self.mark = "mark"
        self.clock_off = 0.0
        self.working: dict[str, Lease] = {}
        self.watches: dict[int, Watch] = {}
        self.rates: dict[str, float] = {}
        self.scheduler: GatewayScheduler | None = None
        """Asks the gateway, if a test has it asked."""
        self.wanted_rate = 0.0
        self.wanted_for_shards = 0.0
        self.stop_takes = 0.0
        self.refuses_starts = 0
        self.reading_takes = 0.0
        self.is_reading = False
        self.buried = 0
        identity = Instance("", name, HOST, "boot", pid, "1.0", VERSION)
        around = Surroundings(
            clock=lambda: trio.current_time() + self.clock_off,
            new_id=lambda: f"{name}-{next(cluster.ids)}",
            is_dead=lambda one: one.host == HOST and one.pid in cluster.dead,
            leases_freed=lambda: cluster.leases_freed(self),
            rng=Random(pid),
        )
        self.membership = Membership(self.store, identity, LEASE, around)
        self.metrics = Metrics()
        self.member = Member(self.store, self, wanted, self.membership, self.metrics)
        self._scope = trio.CancelScope()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        with self._scope:
            await self.join()
            await self.store.reconcile_endpoints(dict.fromkeys(self.wanted.lanes, self.mark))
            await self.member.run(task_status=task_status)

    async def join(self) -> None:
        await self.membership.join(lambda: list(self.wanted.budgets))

    def kill(self) -> None:
        """Die without a word."""
        self._scope.cancel()
        self.working.clear()

    @property
    def is_working(self) -> bool:
        return self.member.trust.holds()

    def owns(self, lease: str) -> bool:
        return lease in self.working and self.is_working

    async def start(self, leases: Sequence[Lease]) -> None:
        if self.refuses_starts:
            self.refuses_starts -= 1
            raise StoreError("not now")
        shards = [lease for lease in leases if lease.kind is LeaseKind.WATCH]
        found = await self.store.watches_of(shards)
        self.is_reading = True
        await trio.sleep(self.reading_takes)
        owns = self.member.leaseholder.owns
        self.watches |= {watch.row: watch for watch in found if owns(watch.fence)}
        self.working |= {lease.name: lease for lease in leases if owns(lease.fence)}

    async def stop(self, leases: Sequence[Lease]) -> None:
        await trio.sleep(self.stop_takes)
        for lease in leases:
            self.working.pop(lease.name, None)
        gone = {lease.fence for lease in leases}
        self.watches = {row: w for row, w in self.watches.items() if w.fence not in gone}

    def drop(self) -> None:
        self.buried += 1
        self.working.clear()
        self.watches.clear()

    def weights(self, leases: Sequence[Lease]) -> Mapping[str, float]:
        of = Counter(watch.fence for watch in self.watches.values())
        return {lease.name: 1.0 + of[lease.fence] for lease in leases}

    def apply(self, changes: WatchChanges) -> None:
        self.watches |= {watch.row: watch for watch in changes.updated}
        for row in changes.withdrawn:
            self.watches.pop(row, None)

    def wants(self, gateway: str) -> float:
        return self.wanted_rate + (self.wanted_for_shards if self.working else 0.0)

    def set_rate(self, gateway: str, rate: float) -> None:
        self.rates[gateway] = rate
        self.cluster.rates_changed()
        if self.scheduler is not None:
            self.scheduler.grant(rate)

    def rest_until(self, gateway: str) -> float:
        return 0.0 if self.scheduler is None else self.scheduler.rest.until

    def rest(self, gateway: str, until: float) -> None:
        if self.scheduler is not None:
            self.scheduler.rest.follow(until)


class Cluster:
    """The machines that processes run on, and the database that they share."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.database: Engine = memory_database()
        self.nursery = nursery
        self.processes: list[Process] = []
        self.dead: set[int] = set()
        self.ids = iter(range(10_000))
        self.highest_rate = 0.0
        self.history = "1"
        self.hears_hints = False
        """Whether hints reach the other instances; they may all be lost."""
        self.clock_stepped = 0.0

    def now(self) -> float:
        return START + trio.current_time() + self.clock_stepped

    async def start(
        self,
        name: str,
        gateways: Sequence[str] = ("main",),
        lanes: Sequence[str] = ("app", "chat"),
        services: Collection[Service] = SERVICES,
    ) -> Process:
        process = self.process(name, gateways, lanes, services)
        await self.nursery.start(process.run)
        return process

    def process(
        self,
        name: str,
        gateways: Sequence[str] = ("main",),
        lanes: Sequence[str] = ("app", "chat"),
        services: Collection[Service] = SERVICES,
    ) -> Process:
        wanted = Wanted(dict.fromkeys(gateways, BUDGET), lanes, frozenset(services))
        process = Process(self, name, 100 + len(self.processes), wanted)
        self.processes.append(process)
        return process

    def kill(self, process: Process) -> None:
        process.kill()
        self.processes.remove(process)

    def end(self) -> None:
        self.nursery.cancel_scope.cancel()

    def leases_freed(self, sender: Process) -> None:
        for one in self.processes:
            if self.hears_hints and one is not sender:
                one.membership.hint()

    def workers(self, lease: str) -> list[str]:
        """Return who does the work of a lease at this moment."""
        return [one.name for one in self.processes if one.owns(lease)]

    def shards(self, process: Process) -> int:
        return sum(
            lease.kind is LeaseKind.WATCH and process.owns(lease.name)
            for lease in process.working.values()
        )

    def rates_changed(self) -> None:
        total = sum(one.rates.get("main", 0.0) for one in self.processes)
        self.highest_rate = max(self.highest_rate, total)

    async def until(self, condition: Callable[[], bool], within: float) -> float:
        """Return after how many seconds `condition` is true; fails if that takes longer."""
        began = trio.current_time()
        while not condition():
            assert trio.current_time() - began < within, "it took too long"
            await trio.sleep(0.1)
        return trio.current_time() - began
