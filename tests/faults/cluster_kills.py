"""Three instances on one database, to which everything is done that may happen to machines.

`python -m tests.faults.cluster_kills --kills 200 --seed 1` kills, stops, cuts off and restarts
instances of `notifier run`, and crashes their PostgreSQL, again and again, while new videos keep
coming. What the gateway and the receiver saw is judged by `tests.faults.cluster_check`. The seed
decides what happens to whom, not how fast the machine is.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import httpx
import psycopg
import tomli_w
import trio
from rich.progress import Progress

from notifier.http_server import serve
from notifier.model.lease import SHARDS, lane_lease, shard_of, watch_lease
from notifier.signing import generate_secret
from tests.faults.cluster_check import Fault, Record, longest_pauses, problems
from tests.faults.cluster_peers import HEADER, Gateway, Receiver
from tests.postgres import Server, running_server
from tests.process.harness import Daemon, eventually, running
from tests.tcp_proxy import Proxy

LEASE = 5.0
BUDGET = 20.0
NAMES = ("alpha", "beta", "gamma")
_AT_A_TIME = 24
"""How many jobs run at the same time, each polled about once a second."""

_DURATIONS = 3.0, 15.0
_LOOK = 0.1
_RECENT = 3.0
_SETTLED_WITHIN = 60.0


@dataclass
class Machine:
    """A machine that runs an instance, and its line to the database."""

    name: str
    folder: Path
    proxy: Proxy
    env: dict[str, Any]
    exits: list[int] = field(default_factory=list)
    daemon: Daemon | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def socket(self) -> Path:
        return self.folder / "state" / "notifier.sock"

    async def start(self) -> None:
        """Run the instance, and wait until it says that it has started."""
        self._stack = AsyncExitStack()
        self.daemon = await self._stack.enter_async_context(
            running(self.folder / "config.toml", **self.env)
        )

    async def end(self, signum: int) -> None:
        """End the instance, and note how it ended."""
        assert self.daemon is not None
        self.exits.append(await self.daemon.end(signum))
        await self.close()

    async def close(self) -> None:
        """Kill the instance if it still runs."""
        self.daemon = None
        await self._stack.aclose()

    def send(self, signum: int) -> None:
        """Send a signal to the instance."""
        assert self.daemon is not None
        self.daemon.process.send_signal(signum)


@dataclass
class ClusterKills:
    """One run; `record` is what has been observed so far."""

    record: Record
    gateway: Gateway
    receiver: Receiver
    server: Server
    machines: Sequence[Machine]
    url: str
    rng: Random
    problems: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    async def run(self, kinds: Sequence[str], tell: Callable[[int], None]) -> None:
        """Do these things one after the other; return when all that was begun is over."""
        async with trio.open_nursery() as beside:
            await self.machines[0].start()
            self._spread()
            beside.start_soon(self._watch_leases)
            for machine in self.machines[1:]:
                await machine.start()
            async with trio.open_nursery() as filling:
                filling.start_soon(self._keep_adding)
                await self._settle()
                for number, kind in enumerate(kinds, start=1):
                    await self._suffer(kind)
                    tell(number)
                filling.cancel_scope.cancel()
            await eventually(self._all_is_over, "every event")
            async with trio.open_nursery() as ending:
                for machine in self.machines:
                    ending.start_soon(machine.end, signal.SIGTERM)
            beside.cancel_scope.cancel()

    async def _suffer(self, kind: str) -> None:
        began = time.time()
        await FAULTS[kind](self, self.rng.choice(self.machines))
        await self._settle()
        self.record.faults.append(Fault(kind, began, time.time()))
        await trio.sleep(self.rng.uniform(0, 1))

    async def _settle(self) -> None:
        """Wait until each instance does a part, and nothing is left undone."""
        with trio.move_on_after(_SETTLED_WITHIN) as patience:
            while not (  # noqa: ASYNC110 - other processes set no events
                not self._unpolled() and await trio.to_thread.run_sync(self._is_shared)
            ):
                await trio.sleep(_LOOK)
        if patience.cancelled_caught:
            owned = Counter(name for _, name, _ in self._owners())
            self.problems.append(
                f"not well {_SETTLED_WITHIN:.0f} s after {len(self.record.faults)} faults: leases "
                f"{dict(owned)}, not asked about {self._unpolled()}"
            )

    def _unpolled(self) -> list[str]:
        """Return the jobs that run and have not been asked about in the last moments."""
        before = time.time() - _RECENT
        latest = {poll.video: poll.at for poll in self.record.polls}
        return [
            video
            for video, at in self.record.added.items()
            if max(at, latest.get(video, 0.0)) < before
            and self.gateway.jobs[video].ends_at > time.time()
        ]

    def _is_shared(self) -> bool:
        owners = [name for _, name, _ in self._owners()]
        least = SHARDS // (2 * len(self.machines))
        return None not in owners and all(owners.count(one.name) >= least for one in self.machines)

    def _owners(self) -> list[tuple[str, str | None, int]]:
        """Return each lease with the name of its owner and its epoch; nothing if it is down."""
        try:
            with psycopg.connect(self.url, connect_timeout=2) as db:
                return db.execute(
                    "SELECT l.name, i.name, l.epoch FROM leases l "
                    "LEFT JOIN instances i ON i.id = l.owner"
                ).fetchall()
        except psycopg.OperationalError:
            return []

    async def _watch_leases(self) -> None:
        while True:
            at = time.time()
            for lease, owner, epoch in await trio.to_thread.run_sync(self._owners):
                if owner is not None:
                    self.record.leases.observe(at, lease, owner, epoch)
            await trio.sleep(_LOOK)

    def _spread(self) -> None:
        """Have each watch in a shard of its own, as if there were thousands."""
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("ALTER TABLE watches ALTER COLUMN id SET INCREMENT BY 1024")

    async def _keep_adding(self) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                while self.gateway.running < _AT_A_TIME:
                    video = f"video-{next(self._numbers)}"
                    self.gateway.create(video, self.rng.uniform(*_DURATIONS))
                    nursery.start_soon(self._add, video)
                await trio.sleep(_LOOK)

    async def _add(self, video: str) -> None:
        """Have an instance take a video; while none can, or the answer is lost, again."""
        with trio.fail_after(_SETTLED_WITHIN, shield=True):
            while True:
                machine = self.rng.choice(self.machines)
                transport = httpx.AsyncHTTPTransport(uds=str(machine.socket), verify=False)
                try:
                    async with httpx.AsyncClient(transport=transport, timeout=3.0) as client:
                        answer = await client.post(
                            "http://localhost/v1/watches", json={"video_id": video}
                        )
                    if answer.is_success:
                        self.record.added[video] = time.time()
                        return
                except httpx.TransportError:
                    pass
                await trio.sleep(_LOOK)

    def _all_is_over(self) -> bool:
        received = {post.video for post in self.record.posts if post.is_received}
        return received >= self.record.expected.keys()

    def judge(self) -> list[str]:
        """Return what did not hold."""
        with psycopg.connect(self.url) as db:
            rows = db.execute("SELECT video_id, id FROM watches").fetchall()
        lease_of = {video: watch_lease("main", shard_of(row)) for video, row in rows}
        found = problems(self.record, lease_of, lane_lease("app"), BUDGET)
        for machine in self.machines:
            bad = [code for code in machine.exits if code not in (0, -signal.SIGKILL)]
            found += [f"{machine.name} ended with {code}" for code in bad]
            text = (machine.folder / "daemon.log").read_text()
            found += [f"traceback of {machine.name}"] * ("Traceback" in text)
        return [*self.problems, *self.receiver.problems, *found]


async def _kill(run: ClusterKills, machine: Machine) -> None:
    """Send SIGKILL, and start a new process after the others have taken over."""
    await machine.end(signal.SIGKILL)
    await trio.sleep(run.rng.uniform(1.5, 2) * LEASE)
    await machine.start()


async def _kill_and_restart(_: ClusterKills, machine: Machine) -> None:
    """Send SIGKILL, and start a new process at once."""
    await machine.end(signal.SIGKILL)
    await machine.start()


async def _stop(run: ClusterKills, machine: Machine) -> None:
    """Send SIGSTOP, and SIGCONT once others have taken over."""
    machine.send(signal.SIGSTOP)
    await trio.sleep(run.rng.uniform(1.5, 2) * LEASE)
    machine.send(signal.SIGCONT)


async def _cut(run: ClusterKills, machine: Machine) -> None:
    """Put a black hole between an instance and the database."""
    machine.proxy.swallows = True
    await trio.sleep(run.rng.uniform(1.5, 2) * LEASE)
    machine.proxy.swallows = False


async def _crash(run: ClusterKills, _: Machine) -> None:
    """Crash PostgreSQL, which is back after a moment."""
    await trio.to_thread.run_sync(run.server.stop, "immediate")
    await trio.sleep(run.rng.uniform(0, 0.4) * LEASE)
    # it ends with the thread that it was launched by
    run.server.launch()
    await trio.to_thread.run_sync(run.server.wait_until_ready)


async def _terminate(_: ClusterKills, machine: Machine) -> None:
    """Send SIGTERM, and start a new process."""
    await machine.end(signal.SIGTERM)
    await machine.start()


FAULTS: dict[str, Callable[[ClusterKills, Machine], Awaitable[None]]] = {
    "SIGKILL": _kill,
    "SIGKILL, started again": _kill_and_restart,
    "SIGSTOP": _stop,
    "black hole": _cut,
    "PostgreSQL crashes": _crash,
    "SIGTERM, started again": _terminate,
}


@asynccontextmanager
async def cluster_kills(folder: Path, seed: int) -> AsyncIterator[ClusterKills]:
    """Set three machines up, none of which runs yet."""
    rng, record, secret = Random(seed), Record(), generate_secret()
    gateway = Gateway(record, Random(seed + 1))
    receiver = Receiver(record, Random(seed + 2), secret)
    with running_server(fsync=True) as server:
        async with trio.open_nursery() as nursery:
            ports = [
                await nursery.start(partial(serve, one.handle, port=0))
                for one in (gateway, receiver)
            ]
            machines = [_machine(folder, name, server, ports, secret) for name in NAMES]
            try:
                yield ClusterKills(record, gateway, receiver, server, machines, server.url(), rng)
            finally:
                with trio.CancelScope(shield=True):
                    for machine in machines:
                        await machine.close()
                        machine.proxy.close()
            nursery.cancel_scope.cancel()


def _machine(
    folder: Path, name: str, server: Server, ports: Sequence[int], secret: str
) -> Machine:
    home = folder / name
    home.mkdir()
    proxy = Proxy(server.port)
    asked, told = (f"http://127.0.0.1:{port}" for port in ports)
    config = {
        "gateways": {
            "main": {
                "base_url": f"{asked}/v1",
                "headers": {HEADER: name},
                "poll_interval": "1s",
                "min_poll_interval": "500ms",
                "max_requests_per_second": BUDGET,
                "list_videos": "never",
            }
        },
        "endpoints": {
            "app": {
                "url": f"{told}/hook",
                "secret": secret,
                "headers": {HEADER: name},
                "retry_schedule": ["200ms"] * 30,
            }
        },
        "store": {"url": {"env": "STORE_URL"}},
        "cluster": {"instance": name, "lease": f"{LEASE:g}s"},
    }
    path = home / "config.toml"
    path.write_text(tomli_w.dumps(config))
    path.chmod(0o600)
    url = server.url(port=proxy.port)
    return Machine(name, home, proxy, {"STATE_DIRECTORY": str(home / "state"), "STORE_URL": url})


def report(record: Record) -> str:
    """Return the longest pause in polling any watch for each kind of fault, as a table."""
    lines = [f"{'fault':<24}{'times':>6}{'median':>10}{'longest pause':>16}"]
    for kind, pauses in longest_pauses(record).items():
        figures = f"{median(pauses) / LEASE:>8.2f} L{max(pauses) / LEASE:>14.2f} L"
        lines.append(f"{kind:<24}{len(pauses):>6}{figures}")
    return "\n".join(lines)


async def _run(folder: Path, kills: int, seed: int, tell: Callable[[int], None]) -> list[str]:
    async with cluster_kills(folder, seed) as run:
        kinds = [run.rng.choice(list(FAULTS)) for _ in range(kills)]
        await run.run(kinds, tell)
        found = run.judge()
        posts, received = run.record.posts, len(run.record.expected)
        print(
            f"\nseed {seed}: {kills} faults, {received} events, {len(posts)} POSTs, "
            f"{len(run.record.polls)} polls, {len(found)} problems\n{report(run.record)}"
        )
        return found


def main() -> int:
    """Run as the arguments say; return 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.cluster_kills")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kills-") as folder,
        Progress(disable=not sys.stderr.isatty()) as progress,
    ):
        task = progress.add_task("Faults", total=chosen.kills)
        found = trio.run(
            _run,
            Path(folder),
            chosen.kills,
            chosen.seed,
            lambda done: progress.update(task, completed=done),
        )
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
