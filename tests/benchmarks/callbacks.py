"""How long good callbacks wait beside bad ones: `python -m tests.benchmarks.callbacks`.

100 names accept connections and never answer, 60 hang in their look-up, and any number of further
names lead to one more address that never answers. Beside their backlog, and again after a minute
of it, callbacks to names that work come due; some of those names are new, some were served
before. Sockets, threads and the store's file are real; the name service is a table in here, and
loopback addresses count as public. Exits 1 when a good callback takes longer than a second.
"""

import argparse
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import monotonic, time
from typing import Any

import trio

from notifier import log
from notifier.delivery import (
    AttemptRecorder,
    AttemptRunner,
    CallbackFlow,
    CallbackLimits,
    DeliveryRules,
    EndpointNotices,
    Lane,
)
from notifier.http_client import Route, open_client
from notifier.http_server import Handler, Request, Response, Wire, serve
from notifier.model.delivery import Format
from notifier.model.health import Health
from notifier.model.watch import Callback, callback_lane
from notifier.schedule.clock import Clock
from notifier.store import Database, Store, ThreadExecutor
from notifier.wakeup import Wakeup
from notifier.webhook import Target, WebhookSender
from tests.builders import new_event, rng, snapshot, spec

TARPITS, DEAD, WILD, GOOD = 100, 60, 200, 40
REACH = 1.0
_TIMEOUT = 15.0
_LOOKUP_HANGS = 20.0
_SCHEDULE = (5.0, 300.0, 1800.0)
_LANE = callback_lane("app")


class Names:
    """A name service: every kind of name has addresses of its own on loopback."""

    def __init__(self) -> None:
        self._real = socket.getaddrinfo
        self.over = threading.Event()

    def look_up(self, host: str, port: int, *rest: int, **options: int) -> list[Any]:
        """Answer as `socket.getaddrinfo` does, late for names that are dead."""
        if not str(host).endswith(".example"):
            return list(self._real(host, port, *rest, **options))
        kind, _, number = host.partition(".")[0].partition("-")
        if kind == "dead":
            self.over.wait(_LOOKUP_HANGS)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        address = {
            "tarpit": f"127.1.0.{number}",
            "wild": "127.2.0.1",
            "good": f"127.3.0.{number}",
        }[kind]
        return list(self._real(address, port, *rest, **options))


class Receivers:
    """One server that answers, one that never does, both on all loopback addresses."""

    def __init__(self) -> None:
        self.received: dict[str, float] = {}
        self._arrived = Wakeup()
        self.good_port = 0
        self.tarpit_port = 0

    async def take(self, request: Request, _wire: Wire) -> Response:
        """Note when the event came first."""
        self.received.setdefault(request.headers["webhook-id"], monotonic())
        self._arrived.notify()
        return Response(204)

    async def wait_for(self, events: AbstractSet[str]) -> None:
        """Wait until all these have arrived."""
        while not events <= self.received.keys():
            await self._arrived.wait(1.0)

    async def serve(self, nursery: trio.Nursery) -> None:
        """Listen on both ports."""
        self.good_port = await nursery.start(_serve_all, self.take)
        silent = socket.create_server(("0.0.0.0", 0), backlog=1000)  # noqa: S104 - loopback names
        self.tarpit_port = silent.getsockname()[1]
        nursery.start_soon(_accept, trio.SocketListener(trio.socket.from_stdlib_socket(silent)))

    def url(self, host: str) -> str:
        """Return the callback URL at `host`."""
        port = self.good_port if host.startswith("good") else self.tarpit_port
        return f"http://{host}:{port}/hook"


async def _serve_all(take: Handler, *, task_status: trio.TaskStatus[int]) -> None:
    await serve(take, host="0.0.0.0", port=0, task_status=task_status)  # noqa: S104 - as above


async def _accept(listener: trio.SocketListener) -> None:
    await trio.serve_listeners(_hold, [listener])


async def _hold(stream: trio.SocketStream) -> None:
    await stream.receive_some()
    await trio.sleep_forever()


class Tenants:
    """Puts callbacks into the store, and says when each was committed."""

    def __init__(self, store: Store, lane: Lane, receivers: Receivers) -> None:
        self._store = store
        self._lane = lane
        self._receivers = receivers
        self._count = 0

    async def put(self, hosts: Sequence[str]) -> dict[str, float]:
        """End a video for each host; return when the event of each was committed, by its id."""
        committed = {}
        for host in hosts:
            self._count += 1
            callback = Callback(self._receivers.url(host), "app")
            watch, _ = await self._store.add_watch(
                spec(f"video_{self._count}"), again=False, callback=callback
            )
            event = new_event(f"evt_{self._count}", ())
            await self._store.record_ending(watch.row, event, snapshot())
            committed[event.id] = monotonic()
            self._lane.wake()
        return committed

    async def waits(self, hosts: Sequence[str]) -> list[float]:
        """Put callbacks to good hosts and return how long each took, in seconds."""
        committed = await self.put(hosts)
        with trio.move_on_after(10 * REACH):
            await self._receivers.wait_for(committed.keys())
        received = self._receivers.received
        return [received.get(each, monotonic()) - at for each, at in committed.items()]


@asynccontextmanager
async def tenants(folder: Path, receivers: Receivers) -> AsyncIterator[Tenants]:
    """Deliver callbacks from a store in `folder`."""
    clock = Clock(time, monotonic)
    database = Database.open(folder / "store.db", folder / "config.toml")
    store = Store(database, ThreadExecutor(), clock.now)
    await store.recover({"app": "mark", _LANE: "mark"}, 86_400)
    target = Target("", {}, [b"k" * 32], _TIMEOUT)
    notices = EndpointNotices((), new_id=lambda: "evt_x", wall=clock.wall, wake=lambda _: None)
    limits = CallbackLimits.of_process(rng())
    async with open_client(limits.most, Route(max_idle=32)) as client, trio.open_nursery() as all_:
        runner = AttemptRunner(
            DeliveryRules(_LANE, Format.STANDARD, _SCHEDULE, to_callbacks=True),
            WebhookSender(client, lambda: target, clock.wall),
            AttemptRecorder(store, clock.now),
            notices,
            health=Health("mark"),
            clock=clock,
            rng=rng(),
        )
        flow = CallbackFlow(_LANE, runner, store, limits, clock=clock, rng=rng())
        lane = Lane(_LANE, flow, runner, Wakeup())
        await receivers.serve(all_)
        all_.start_soon(lane.run)
        yield Tenants(store, lane, receivers)
        all_.cancel_scope.cancel()
    await store.close()


def _names(kind: str, first: int, count: int) -> list[str]:
    return [f"{kind}-{number}.example" for number in range(first, first + count)]


async def _measure(folder: Path, seconds: float) -> list[float]:
    receivers = Receivers()
    slowest = []
    async with tenants(folder, receivers) as placed:
        alone = await placed.waits(_names("good", 1, GOOD))
        _print("nothing else to send", alone)
        bad = [*_names("tarpit", 1, TARPITS), *_names("dead", 1, DEAD), *_names("wild", 1, WILD)]
        await placed.put(bad * 3)
        for what, pause in (("right after the bad ones", 0.0), (f"{seconds:g} s later", seconds)):
            await trio.sleep(pause)
            for served, first in (("new names", 50 if pause else 100), ("served before", 1)):
                waits = await placed.waits(_names("good", first, GOOD))
                _print(f"{what}, {served}", waits)
                slowest.append(max(waits))
    return slowest


def _print(what: str, waits: Sequence[float]) -> None:
    sys.stdout.write(
        f"{what:40} {len(waits)} callbacks: median {median(waits) * 1000:6.1f} ms, "
        f"slowest {max(waits) * 1000:6.1f} ms\n"
    )
    sys.stdout.flush()


def main() -> int:
    """Measure and print; return 1 if a good callback took too long."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.callbacks")
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    log.configure("error", "json", sys.stderr)
    names = Names()
    vars(socket)["getaddrinfo"] = names.look_up
    with tempfile.TemporaryDirectory() as folder:
        try:
            slowest = trio.run(_measure, Path(folder), chosen.seconds)
        finally:
            names.over.set()
    return 0 if max(slowest) <= REACH else 1


if __name__ == "__main__":
    sys.exit(main())
