"""What open tabs of the page cost: `python -m tests.benchmarks.page [--videos N] [--tabs N]`.

A whole daemon follows running videos whose progress moves, in a process of its own. Its CPU is
measured with no tab on the page, with one and with many.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tomli_w
import trio

from notifier.signing import generate_secret
from tests.benchmarks.gateway import gateway, name
from tests.control.client import Api
from tests.process.harness import running

_TICKS = os.sysconf("SC_CLK_TCK")
_BATCH = 1000
_INTERVAL = 20.0


@dataclass
class Tab:
    """One client of the stream."""

    received: int = 0
    messages: int = 0

    async def follow(self, port: int) -> None:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(b"GET /v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            async for data in stream:
                self.received += len(data)
                self.messages += data.count(b"event: changes")


@dataclass(frozen=True)
class Measured:
    """What so many tabs cost the daemon, for each second."""

    tabs: int
    cpu: float
    messages: float
    megabytes: float

    def __str__(self) -> str:
        return (
            f"{self.tabs:3} tabs: {self.cpu * 100:5.1f} % of a CPU, "
            f"{self.messages:4.2f} messages/s and {self.megabytes:6.3f} MB/s to each"
        )


async def measure(pid: int, port: int, tabs: int, seconds: float) -> Measured:
    """Open tabs and measure for some seconds."""
    opened = [Tab() for _ in range(tabs)]
    async with trio.open_nursery() as nursery:
        for tab in opened:
            nursery.start_soon(tab.follow, port)
        await trio.sleep(5)
        before = sum(tab.received for tab in opened), sum(tab.messages for tab in opened)
        cpu, began = cpu_of(pid), time.monotonic()
        await trio.sleep(seconds)
        took, used = time.monotonic() - began, cpu_of(pid) - cpu
        received = sum(tab.received for tab in opened) - before[0]
        messages = sum(tab.messages for tab in opened) - before[1]
        nursery.cancel_scope.cancel()
    each = took * max(tabs, 1)
    return Measured(tabs, used / took, messages / each, received / each / 1e6)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def run(videos: int, tabs: Sequence[int], seconds: float) -> None:
    """Follow the videos, and print what each number of tabs costs."""
    with gateway(videos) as base_url, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(tomli_w.dumps(_config(base_url, folder)))
        path.chmod(0o600)
        async with running(path) as daemon:
            address = next(line["page"] for line in daemon.logs("listening") if "page" in line)
            port = int(address.rstrip("/").rpartition(":")[2])
            api = Api(port, daemon, {})
            for start in range(0, videos, _BATCH):
                names = [{"video_id": name(n)} for n in range(start, min(start + _BATCH, videos))]
                assert (await api.ask("POST", "/v1/watches", names)).status == 200
            await trio.sleep(2 * _INTERVAL)
            sys.stdout.write(f"{videos} running videos, asked about every {_INTERVAL:g} s\n")
            for number in tabs:
                measured = await measure(daemon.process.pid, port, number, seconds)
                sys.stdout.write(f"{measured}\n")
                sys.stdout.flush()
            began = time.monotonic()
            assert (await api.ask("GET", "/")).status == 200
            sys.stdout.write(f"the overview takes {time.monotonic() - began:.2f} s\n")


def _config(base_url: str, folder: str) -> dict[str, object]:
    return {
        "http": {"listen": "127.0.0.1:0"},
        "store": {"path": f"{folder}/notifier.db"},
        "log": {"format": "json"},
        "gateways": {
            "main": {
                "base_url": f"{base_url}/v1",
                "poll_interval": _INTERVAL,
                "max_requests_per_second": 1000,
            }
        },
        "endpoints": {"app": {"url": "http://127.0.0.1:9/", "secret": generate_secret()}},
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.page")
    parser.add_argument("--videos", type=int, default=10_000)
    parser.add_argument("--tabs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    chosen = parser.parse_args()
    trio.run(partial(run, chosen.videos, (0, 1, chosen.tabs), chosen.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
