"""What polling costs the daemon: `python -m tests.benchmarks.polling` is one measurement.

The whole daemon runs in this process, from its config and its store to what it decides, with
nobody to deliver to, since no job ends. CPU is the process's own, all threads; it logs JSON at
info to /dev/null.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import trio

from notifier import log
from notifier.app import wiring
from notifier.app.daemon import Lifecycle, run_daemon
from notifier.app.gc_tuning import tune_gc
from notifier.config import load
from notifier.model.video import Snapshot
from notifier.model.watch import API_SOURCE, Listing, Watch, WatchKey, WatchSpec
from notifier.polling.job_tracker import JobTracker
from notifier.store import Database, watches
from tests.benchmarks.gateway import asked, gateway, name

_CONFIG = """
[store]
path = "n.db"

[gateways.main]
base_url = "{url}/v1"
api_key = "sk-0123456789abcdef"
poll_interval = "{interval}s"
min_poll_interval = "{least}s"
max_requests_per_second = {rate}
list_videos = "{lists}"
discover = {discover}

[endpoints.app]
url = "http://127.0.0.1:9/"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""


@dataclass(frozen=True, slots=True)
class Load:
    """How the daemon is kept busy.

    Measuring begins `warm_up` seconds after each watch has had its second answer: the first is
    dearer, and comes while connections are still made.
    """

    watches: int
    interval: float
    in_flight: int = 32
    lists: str = "never"
    progress: bool = True
    warm_up: float = 2.0
    seconds: float = 3.0
    discover: bool = False
    """Find the jobs on the list, instead of watching them by id."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in `seconds`: CPU seconds, requests, answers to pollers; and memory.

    `memory` is what the process has grown by per watch, in bytes; `first_poll` how many seconds
    after the daemon began to start the gateway was first asked; `start_cpu` the CPU seconds until
    each watch had had an answer.
    """

    cpu: float
    requests: int
    answers: int
    seconds: float
    memory: float
    first_poll: float
    start_cpu: float = 0.0


def measure(load: Load) -> Measured:
    """Measure in a process of its own."""
    with gateway(load.watches, progress=load.progress) as url, TemporaryDirectory() as folder:
        _prepare(url, Path(folder), load)
        command = [sys.executable, "-m", "tests.benchmarks.polling", url, folder]
        done = subprocess.run(
            [*command, json.dumps(asdict(load))], stdout=subprocess.PIPE, check=True, timeout=600
        )
    return Measured(**json.loads(done.stdout))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _prepare(url: str, folder: Path, load_: Load) -> None:
    """Write a config, and a store as if an earlier run had taken the watches through its API.

    Not in the process that is measured: what this frees there would not be counted as its own.
    """
    config = folder / "config.toml"
    interval, least, lists = load_.interval, load_.interval / 4, load_.lists
    text = _CONFIG.format(
        url=url,
        interval=interval,
        least=least,
        rate=10_000,
        lists=lists,
        discover=str(load_.discover).lower(),
    )
    config.write_text(text, encoding="utf-8")
    known = 0 if load_.discover else load_.watches
    specs = tuple(WatchSpec(WatchKey("main", name(number))) for number in range(known))
    database = Database.open(folder / "n.db", config)
    database.transact(watches.sync, [Listing(API_SOURCE, specs)], [], time.time())
    database.close()


class _Answers:
    """Counts the answers that say that a job runs, as all do here.

    `once` and `twice` are how many watches have had so many answers, or more.
    """

    def __init__(self, watches: int) -> None:
        self.count = self.once = self.twice = 0
        had = bytearray(2 * watches + 100)  # by the row of the watch
        note = JobTracker.note

        def counting(
            tracker: JobTracker, watch: Watch, seen: Snapshot, at: float, *, counts: bool = True
        ) -> None:
            self.count += 1
            if had[watch.row] < 2:
                self.twice += had[watch.row]
                self.once += not had[watch.row]
                had[watch.row] += 1
            note(tracker, watch, seen, at, counts=counts)

        patch.object(JobTracker, "note", counting).start()


async def _measure(url: str, folder: Path, load_: Load) -> Measured:
    config = load(folder / "config.toml", {})
    tune_gc()
    signals, before, began = Lifecycle(trio.Event()), _resident(), time.monotonic()
    answers, started = _Answers(load_.watches), _cpu()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(run_daemon, config, signals))
        while not asked(url):  # noqa: ASYNC110 - another process has no event
            await trio.sleep(0.05)
        first_poll = time.monotonic() - began
        while answers.once < load_.watches:  # noqa: ASYNC110 - nor have these
            await trio.sleep(0.02)
        start_cpu = _cpu() - started
        while answers.twice < load_.watches:  # noqa: ASYNC110 - same
            await trio.sleep(0.02)
        await trio.sleep(load_.warm_up)
        cpu, requests, seen, since = _cpu(), asked(url), answers.count, time.monotonic()
        await trio.sleep(load_.seconds)
        measured = Measured(
            _cpu() - cpu,
            asked(url) - requests,
            answers.count - seen,
            time.monotonic() - since,
            (_resident() - before) / load_.watches,
            first_poll,
            start_cpu,
        )
        os.write(1, json.dumps(asdict(measured)).encode())
        os._exit(0)  # nothing is to be saved, and 100,000 tasks take their time


def main(url: str, folder: str, how: str) -> None:
    """Make one measurement and print it."""
    load_ = Load(**json.loads(how))
    log.configure("info", "json", Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    with patch.object(wiring, "GATEWAY_IN_FLIGHT", load_.in_flight):
        trio.run(_measure, url, Path(folder), load_)


if __name__ == "__main__":
    main(*sys.argv[1:])
