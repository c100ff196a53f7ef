"""What an event costs from its commit to its record, and how soon it is on the wire.

Each figure comes from a child process of its own, which measures its own CPU with getrusage; the
receiver is one more. Standard format, one secret, the log as JSON at info to /dev/null.
"""

import asyncio
import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import cast

import httpx
import trio

from notifier import log
from notifier.app.gc_tuning import tune_gc
from notifier.delivery import (
    AttemptRecorder,
    AttemptRunner,
    DeliveryRules,
    Dispatcher,
    EndpointFlow,
    EndpointNotices,
    Lane,
    LaneRules,
    Outbox,
    Subscription,
)
from notifier.http_client import open_client
from notifier.http_server import Request, Response, Wire, serve
from notifier.model.delivery import Format
from notifier.model.event import Ending, EventType
from notifier.model.event_id import watch_event_id
from notifier.model.health import Health
from notifier.model.status import Status
from notifier.model.watch import Watch
from notifier.sandbox import Sandbox
from notifier.schedule.clock import Clock
from notifier.signing import signed_headers
from notifier.store import Database, Store, ThreadExecutor
from notifier.wakeup import Wakeup
from notifier.webhook import Target, WebhookSender
from tests.benchmarks.peer_process import running_peer
from tests.benchmarks.peer_process import serve as serve_alone
from tests.builders import NothingFollows, listing, rng, snapshot, spec
from tests.process.harness import World, running

KEY = b"a key of 32 bytes for benchmarks"
SCHEDULE = (5.0, 300.0)
PUBLISHERS = 100
"""How many pollers end their watches at the same time."""

FAN_OUT = 100
"""How many endpoints an event goes to where fan-out is measured."""

IN_FLIGHT = 4
"""POSTs at once: the default `max_concurrency`."""


def events_cpu(events: int = 3000) -> float:
    """Return notifier's CPU seconds per durable event: commit, deliver, record."""
    return _measured("notifier", events)


def plain_loop_cpu(events: int = 1000) -> float:
    """Return the same for a loop with httpx on asyncio and a commit for each row."""
    return _measured("plain", events)


def fan_out_cpu(events: int = 60) -> float:
    """Return notifier's CPU seconds per delivery of events that each go to 100 endpoints."""
    return _measured("fan-out", events)


def latency(samples: int = 60) -> float:
    """Return the median seconds from a terminal answer to its signed POST, daemon idle."""
    return _measured("latency", samples)


def _measured(what: str, count: int) -> float:
    """Run one measurement in a child process."""
    command = [sys.executable, "-m", "tests.benchmarks.delivery", what, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
    return float(json.loads(done.stdout))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class _Receiver(asyncio.Protocol):
    """Answers 204 to every POST with a length, and looks at nothing else."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to answer through."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if end and len(rest) >= length:
            self._buffer = rest[length:]
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


@contextlib.contextmanager
def _receiver() -> Iterator[str]:
    """Have a receiver in a process of its own; yield its URL."""
    with running_peer("tests.benchmarks.delivery", "receiver", "0") as address:
        yield f"{address}/hook"


async def _notifier(events: int, endpoints: int = 1) -> float:
    """Return CPU seconds per delivery."""
    clock = Clock(time.time, trio.current_time)
    tune_gc()  # as the daemon does
    with TemporaryDirectory() as folder, _receiver() as url:
        log.configure("info", "json", Path(os.devnull).open("w"))  # noqa: ASYNC230, SIM115 - all its life
        database = Database.open(Path(folder, "n.db"), Path(folder, "config.toml"))
        store = Store(database, ThreadExecutor(), clock.now)
        watches = await store.sync_watches(
            [listing(*(spec(f"video_{number}") for number in range(events + PUBLISHERS)))], []
        )
        async with _delivering(store, clock, url, endpoints) as outbox:
            await _publish(store, outbox, watches[:PUBLISHERS])  # connections, growing files
            before = _cpu()
            await _publish(store, outbox, watches[PUBLISHERS:])
            used = _cpu() - before
        database.close()
    return used / events / endpoints


async def _publish(store: Store, outbox: Outbox, watches: list[Watch]) -> None:
    """End `watches`, many at a time, and wait until everything is delivered."""

    async def some(first: int) -> None:
        for watch in watches[first::PUBLISHERS]:
            last = snapshot(Status.COMPLETED, watch.key.video_id, progress=100)
            await outbox.publish(Ending(watch, EventType.COMPLETED, last, "gateway said so"))

    async with trio.open_nursery() as nursery:
        for first in range(PUBLISHERS):
            nursery.start_soon(some, first)
    while (await store.workload()).backlogs:  # noqa: ASYNC110 - the store rings no bell
        await trio.sleep(0.2)


@contextlib.asynccontextmanager
async def _delivering(
    store: Store, clock: Clock, url: str, endpoints: int
) -> AsyncIterator[Outbox]:
    """Deliver to `url`, as to so many endpoints, what is put into the outbox."""
    target = Target(url, {}, [KEY], 15.0)
    names = [f"app-{number}" for number in range(endpoints)]
    recorder = AttemptRecorder(store, clock.now)
    most = IN_FLIGHT * endpoints
    async with open_client(most) as client, trio.open_nursery() as nursery:
        dispatcher = Dispatcher()
        for name in names:
            sender = WebhookSender(client, lambda: target, clock.wall)
            dispatcher.add(name, _lane(name, store, clock, sender, recorder))
        nursery.start_soon(dispatcher.run)
        yield Outbox(
            store,
            [Subscription(name, Format.STANDARD, ("video.*",)) for name in names],
            content_url=lambda _, video: f"http://gateway/v1/videos/{video}/content",
            follow_ups=NothingFollows(),
            event_id=partial(watch_event_id, store.id),
            wall=clock.wall,
            lanes=dispatcher,
        )
        dispatcher.stop()


def _lane(
    name: str, store: Store, clock: Clock, sender: WebhookSender, recorder: AttemptRecorder
) -> Lane:
    """Return the lane of one endpoint."""
    runner = AttemptRunner(
        DeliveryRules(name, Format.STANDARD, SCHEDULE),
        sender,
        recorder,
        EndpointNotices((), new_id=lambda: "evt_x", wall=clock.wall, wake=lambda _: None),
        health=Health("mark"),
        clock=clock,
        rng=rng(),
    )
    flow = EndpointFlow(LaneRules(name, IN_FLIGHT), runner, store, clock=clock, rng=rng())
    return Lane(name, flow, runner, Wakeup())


async def _plain(events: int) -> float:
    """Commit a row, POST it, commit that it was delivered: what one would write oneself."""
    with TemporaryDirectory() as folder, _receiver() as url:
        db = sqlite3.connect(Path(folder, "n.db"), isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE events (id TEXT PRIMARY KEY, body BLOB, delivered INTEGER)")
        body = json.dumps({"type": "video.completed", "data": {"id": "video", "x": "y" * 400}})
        numbers = iter(range(events))
        async with httpx.AsyncClient() as client:

            async def worker() -> None:
                for number in numbers:
                    name, raw = f"evt_{number:032x}", body.encode()
                    db.execute("INSERT INTO events VALUES (?, ?, 0)", (name, raw))
                    headers = signed_headers([KEY], name, int(time.time()), raw)
                    answer = await client.post(url, content=raw, headers=headers)
                    answer.raise_for_status()
                    db.execute("UPDATE events SET delivered = 1 WHERE id = ?", (name,))

            before = _cpu()
            await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
            return (_cpu() - before) / events


async def _latency(samples: int) -> float:
    answered: dict[str, float] = {}

    async def gateway(request: Request, _: Wire) -> Response:
        video_id = request.path.rpartition("/")[2]
        video = {"id": video_id, "object": "video", "status": "completed", "progress": 100}
        answered[video_id] = time.time()
        return Response(200, {"content-type": "application/json"}, json.dumps(video).encode())

    with TemporaryDirectory() as folder:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve, gateway, port=0))
            w = World(Path(folder), Sandbox(), port, nursery)
            app = await w.receiver()
            w.endpoint(app)
            w.gateway(poll_interval="10s", min_poll_interval="1s")  # the first polls are spread
            w.watch(*(f"video_{number}" for number in range(samples)))
            w.save()
            async with running(w.config_path):
                await app.wait_for(samples)
            nursery.cancel_scope.cancel()
    return median(got.at - answered[got.event["data"]["id"]] for got in app.got)


def main(what: str, count: int) -> None:
    """Make one measurement and print it, or be the receiver."""
    if what == "receiver":
        asyncio.run(serve_alone(_Receiver))
        return
    if what == "plain":
        figure = asyncio.run(_plain(count))
    elif what == "fan-out":
        figure = trio.run(_notifier, count, FAN_OUT)
    else:
        figure = trio.run(_notifier if what == "notifier" else _latency, count)
    sys.stdout.write(json.dumps(figure))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
