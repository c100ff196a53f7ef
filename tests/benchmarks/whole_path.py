"""What a job costs on its whole way, from the watch file to the recorded 2xx.

A whole daemon, `notifier run`, is given its jobs in a watch file while it runs; what one would
write oneself instead is a process as well (`clients/whole_path`). The CPU of both is read from the
outside, from the order to the last record: what starting takes is not counted.
"""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.clients.measured import name
from tests.benchmarks.job_peers import job_peers, received

EVERY = 2.0
"""Seconds between two polls of one job."""

_ROOT = Path(__file__).parents[2]
_PATIENCE = 180.0
_TICKS = os.sysconf("SC_CLK_TCK")
_CONFIG = """
watch_dir = "watches.d"

[store]
path = "n.db"

[log]
level = "info"
format = "json"

[gateways.main]
base_url = "{url}/v1"
api_key = "sk-0123456789abcdef"
poll_interval = "{every}s"
min_poll_interval = "{every}s"
max_requests_per_second = 10000
list_videos = "never"

[endpoints.app]
url = "{url}/hook"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""


def notifier_cpu(jobs: int, python: Path = Path(sys.executable)) -> float:
    """Return the daemon's CPU seconds per job."""
    with job_peers() as url, TemporaryDirectory() as name_:
        folder = Path(name_)
        watches = folder / "watches.d"
        watches.mkdir()
        config = folder / "config.toml"
        config.write_text(_CONFIG.format(url=url, every=EVERY), encoding="utf-8")
        hidden = watches / ".jobs.toml"
        hidden.write_text(
            "".join(f'[[watches]]\nvideo_id = "{name(number)}"\n' for number in range(jobs)),
            encoding="utf-8",
        )
        command = [str(python), "-m", "notifier", "run", "--config", str(config)]
        log = (folder / "log").open("w", encoding="utf-8")
        with log, subprocess.Popen(command, stderr=log, cwd=folder) as daemon:
            try:
                _wait(lambda: "started" in (folder / "log").read_text(encoding="utf-8"))
                before = _cpu(daemon.pid)
                hidden.rename(watches / "jobs.toml")
                _wait(lambda: received(url) >= jobs)
                _wait(lambda: _delivered(folder / "n.db") >= jobs)
                return (_cpu(daemon.pid) - before) / jobs
            finally:
                daemon.terminate()


def rival_cpu(jobs: int, python: Path) -> float:
    """Return the same for AsyncOpenAI, SQLite and httpx, on the interpreter `python`."""
    with job_peers() as url, TemporaryDirectory() as folder:
        command = [str(python), "-m", "tests.benchmarks.clients.whole_path", url]
        with subprocess.Popen(
            [*command, str(Path(folder, "jobs.db")), str(jobs), str(EVERY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=_ROOT,
        ) as rival:
            assert rival.stdin is not None
            assert rival.stdout is not None
            try:
                assert rival.stdout.readline() == "ready\n"
                before = _cpu(rival.pid)
                rival.stdin.write("\n")
                rival.stdin.flush()
                assert rival.stdout.readline() == "done\n"
                return (_cpu(rival.pid) - before) / jobs
            finally:
                rival.kill()


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _delivered(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        found = db.execute("SELECT count(*) FROM deliveries WHERE state = 'delivered'").fetchone()
        return int(found[0])


def _wait(is_so: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    until = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < until, "the daemon does not get on"
        time.sleep(0.05)
