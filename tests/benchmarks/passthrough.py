"""What pass-through costs beside asking directly: `python -m tests.benchmarks.passthrough`.

One caller creates jobs and asks about them, directly and through notifier in turn, over
connections that are kept. The overhead is the difference of the medians. The CPU time is that of
the daemon's process, watching the jobs included. LiteLLM's proxy does the same before the same
gateway where it is installed (`.ci/run` does that), else its rows are left out, and that is said.
"""

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import _pytest.outcomes
import httpx
import trio
from rich.console import Console

from tests.benchmarks.table import Row, as_table
from tests.litellm.proxy import KEY, UPSTREAM_KEY, Deployment, Proxy, running_proxy
from tests.process.harness import World, running, world

OVERHEAD = 0.0015
"""The most that a relayed request may add, in seconds."""

CHEAPER = 5.0
"""How many times less CPU a request must cost than at LiteLLM's proxy."""

_WARM_UP, _REQUESTS = 20, 300
_TICKS = os.sysconf("SC_CLK_TCK")
_JOB = {"model": "sora-2", "prompt": "a cat [600s]"}


class Route(NamedTuple):
    """A way to the gateway; `pid` is the process in between, if there is one."""

    base_url: str
    key: str
    pid: int | None = None


class Cost(NamedTuple):
    """Medians in seconds, and CPU seconds of the process in between for one request."""

    create: float
    status: float
    cpu: float


def _cpu(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _measure(routes: Mapping[str, Route]) -> dict[str, Cost]:
    """Ask over each route in turn, so that a busy moment of the machine hits all of them."""
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in routes}
    before: dict[str, float] = {}
    cpu = dict.fromkeys(routes, 0.0)
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        for number in range(_WARM_UP + _REQUESTS):
            for name, route in routes.items():
                if number >= _WARM_UP:
                    before[name] = _cpu(route.pid)
                creating, asking = await _one(client, route)
                if number >= _WARM_UP:
                    times[name][0].append(creating)
                    times[name][1].append(asking)
                    cpu[name] += _cpu(route.pid) - before[name]
    return {
        name: Cost(median(creates), median(asks), cpu[name] / (2 * _REQUESTS))
        for name, (creates, asks) in times.items()
    }


async def _one(client: httpx.AsyncClient, route: Route) -> tuple[float, float]:
    headers = {"authorization": f"Bearer {route.key}"}
    began = perf_counter()
    created = await client.post(f"{route.base_url}/videos", json=_JOB, headers=headers)
    between = perf_counter()
    created.raise_for_status()
    asked = await client.get(f"{route.base_url}/videos/{created.json()['id']}", headers=headers)
    ended = perf_counter()
    asked.raise_for_status()
    return between - began, ended - between


@asynccontextmanager
async def _litellm(here: World) -> AsyncIterator[Proxy | None]:
    """Run LiteLLM's proxy before the sandbox, None where it is not installed."""
    deployment = Deployment("sora-2", "openai/sora-2", here.gateway_port)
    try:
        async with running_proxy(here.folder, deployment) as proxy:
            yield proxy
    except _pytest.outcomes.Skipped:
        yield None


async def run(folder: Path) -> list[Row]:
    """Measure, and return the rows."""
    async with world(folder, api_key=UPSTREAM_KEY) as here:
        # no poll falls into the measurement but the first one of each job
        here.gateway(api_key=UPSTREAM_KEY, poll_interval="10m", max_requests_per_second=1000)
        here.endpoint(await here.receiver())
        here.config["passthrough"] = {"listen": "127.0.0.1:0"}
        async with running(here.save()) as daemon, _litellm(here) as proxy:
            (line,) = daemon.logs("passing_through")
            port = str(line["at"]).rpartition(" ")[2]
            pid = daemon.process.pid
            routes = {
                "direct": Route(f"http://127.0.0.1:{here.gateway_port}/v1", UPSTREAM_KEY),
                "notifier": Route(f"http://127.0.0.1:{port}/main/v1", UPSTREAM_KEY, pid),
            }
            if proxy is not None:
                routes["litellm"] = Route(proxy.base_url, KEY, proxy.pid)
            return list(_rows(await _measure(routes)))


def _rows(costs: Mapping[str, Cost]) -> list[Row]:
    direct, ours, theirs = costs["direct"], costs["notifier"], costs.get("litellm")
    rows = []
    for what, plain, relayed in (
        ("a create takes longer by", direct.create, ours.create),
        ("a status request takes longer by", direct.status, ours.status),
    ):
        added = relayed - plain
        note = f"{plain * 1e3:.2f} ms directly"
        reach = f"{OVERHEAD * 1e3:.1f} ms"
        rows.append(Row(what, f"{added * 1e3:.2f} ms", reach, added / OVERHEAD, note))
    if theirs is None:
        Console(stderr=True).print("LiteLLM's proxy is not installed: nothing to compare with")
        return rows
    reach = f"{theirs.cpu / CHEAPER * 1e3:.2f} ms"
    note = (
        f"LiteLLM's proxy {theirs.cpu * 1e3:.2f} ms; a create there {theirs.create * 1e3:.0f} ms"
    )
    ratio = ours.cpu * CHEAPER / theirs.cpu
    rows.append(Row("CPU of a request", f"{ours.cpu * 1e3:.2f} ms", reach, ratio, note))
    return rows


def main() -> int:
    """Measure and print; exit 1 for a gross regression."""
    with tempfile.TemporaryDirectory() as folder:
        rows = trio.run(run, Path(folder))
    Console(width=140).print(as_table(rows))
    return int(any(row.is_gross for row in rows))


if __name__ == "__main__":
    sys.exit(main())
