"""Callback receivers of every kind in virtual time, delivered to by a real lane and store."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import trio

from notifier.delivery import (
    AttemptRunner,
    CallbackFlow,
    CallbackLimits,
    DeliveryRules,
    EndpointNotices,
    Lane,
)
from notifier.delivery.attempt import Sender
from notifier.model.delivery import Format
from notifier.model.event import NewEvent
from notifier.model.watch import Callback, callback_lane
from notifier.net import Admission
from notifier.store import Store
from notifier.wakeup import Wakeup
from notifier.webhook import Outcome
from tests.builders import memory_store, new_event, rng, snapshot, spec
from tests.delivery.lanes import HEALTHY, SCHEDULE, steady_clock

TIMEOUT = 15.0
LOOKUP_HANGS = 40.0


@dataclass
class Network:
    """Receivers by host name, at the address that `addresses` has for them, else their own.

    The first label of a name says how it behaves: `tarpit-…` accepts and never answers, `dead-…`
    hangs in its look-up, `wild-…` are many names of one tarpit, `gone-…` answers 410, `broken-…`
    500, and anything else 204.
    """

    addresses: dict[str, str] = field(default_factory=dict)
    got: list[tuple[float, str]] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    connected: int = 0
    most_connected: int = 0
    lookups: int = 0
    all_lookups: int = 0
    most_lookups: int = 0

    async def send(self, url: str, admission: Admission) -> Outcome:
        host = urlsplit(url).hostname or ""
        kind = host.partition("-")[0]
        await admission.lookup.acquire_on_behalf_of(self)
        self.lookups += 1
        self.all_lookups += 1
        self.most_lookups = max(self.most_lookups, self.lookups)
        if kind == "dead":
            trio.lowlevel.spawn_system_task(self._hang, admission)
            await trio.sleep(TIMEOUT)
            return Outcome("timeout")
        self._looked_up(admission)
        own = self.addresses.setdefault(
            host, f"93.184.{len(self.addresses) // 250}.{len(self.addresses) % 250}"
        )
        (address,) = admission.admit(["93.184.255.1" if kind == "wild" else own])
        admission.connected(address)
        return await self._exchange(host, kind)

    async def _exchange(self, host: str, kind: str) -> Outcome:
        self.tried[host] += 1
        self.connected += 1
        self.most_connected = max(self.most_connected, self.connected)
        try:
            await trio.sleep(TIMEOUT if kind in {"tarpit", "wild"} else 0.05)
        finally:
            self.connected -= 1
        if kind in {"tarpit", "wild"}:
            return Outcome("timeout")
        status = {"gone": 410, "broken": 500}.get(kind, 204)
        if status == 204:
            self.got.append((trio.current_time(), host))
        return Outcome("delivered" if status == 204 else f"http_{status}", status)

    async def _hang(self, admission: Admission) -> None:
        await trio.sleep(LOOKUP_HANGS)
        self._looked_up(admission)

    def _looked_up(self, admission: Admission) -> None:
        admission.lookup.release_on_behalf_of(self)
        self.lookups -= 1


@dataclass
class _Sender:
    network: Network

    def at(self, url: str, admission: Admission | None) -> Sender:
        assert admission is not None
        return _SenderTo(self.network, url, admission)

    async def send(self, event_id: str, body: bytes) -> Outcome:
        raise AssertionError("a callback never goes to the endpoint's URL")


@dataclass
class _SenderTo:
    network: Network
    url: str
    admission: Admission

    async def send(self, event_id: str, body: bytes) -> Outcome:
        return await self.network.send(self.url, self.admission)


@dataclass
class Callbacks:
    """A lane of callbacks, signed as for `app`."""

    network: Network = field(default_factory=Network)
    limits: CallbackLimits = field(default_factory=lambda: CallbackLimits(256, rng()))
    signer: str = "app"
    wrap: Callable[[Store], Store] = lambda store: store

    def __post_init__(self) -> None:
        clock = steady_clock()
        self.store = self.wrap(memory_store(clock))
        notices = EndpointNotices(
            (), new_id=lambda: "evt_none", wall=clock.wall, wake=lambda _: None
        )
        runner = AttemptRunner(
            DeliveryRules(self.lane_name, Format.STANDARD, SCHEDULE, to_callbacks=True),
            _Sender(self.network),
            self.store,
            notices,
            health=HEALTHY,
            clock=clock,
            rng=rng(),
        )
        flow = CallbackFlow(
            self.lane_name, runner, self.store, self.limits, clock=clock, rng=rng()
        )
        self.lane = Lane(self.lane_name, flow, runner, Wakeup())
        self._count = 0

    @property
    def lane_name(self) -> str:
        return callback_lane(self.signer)

    async def start(self) -> None:
        """Begin as a daemon does."""
        await self.store.recover({"app": "mark", self.lane_name: "mark"}, 86_400)

    async def put(self, *hosts: str) -> None:
        """End a video for each host, whose callback is due from now on."""
        for host in hosts:
            self._count += 1
            callback = Callback(f"https://{host}/hook", self.signer)
            taken, _ = await self.store.add_watch(
                spec(f"video_{self._count}"), again=False, callback=callback
            )
            event: NewEvent = new_event(f"evt_{self._count}", ())
            assert await self.store.record_ending(taken.row, event, snapshot())
        self.lane.wake()

    async def good_within(self, seconds: float, *hosts: str) -> list[float]:
        """Put callbacks for good hosts; return the waits of those that arrived by then."""
        began = trio.current_time()
        await self.put(*hosts)
        await trio.sleep(seconds)
        return [at - began for at, host in self.network.got if host in hosts and at >= began]
