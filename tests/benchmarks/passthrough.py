"""What pass-through costs beside asking directly: `python -m tests.benchmarks.passthrough`.

One caller asks about a job and creates jobs, directly and through notifier in turn, over
connections that are kept. The overhead is the difference of the medians. The CPU time is that of
the daemon's process. A create includes the commit, which waits for the disk, and its watch's
first poll. LiteLLM's proxy does the same before the same
gateway where it is installed (`.ci/run` does that), else its rows are left out, and that is said.
"""

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
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

_WARM_UP, _STATUSES, _CREATES = 20, 500, 100
_TICKS = os.sysconf("SC_CLK_TCK")
_JOB = {"model": "sora-2", "prompt": "a cat [600s]"}


class Route(NamedTuple):
    """A way to the gateway; `pid` is the process in between, if there is one."""

    base_url: str
    key: str
    pid: int | None = None


class Cost(NamedTuple):
    """The median in seconds, and CPU seconds of the process in between for one request."""

    took: float
    cpu: float


Request = Callable[[str, Route], Awaitable[httpx.Response]]


def _cpu(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _measure(routes: Mapping[str, Route], request: Request, count: int) -> dict[str, Cost]:
    """Ask over each route in turn, so that a busy moment of the machine hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in routes}
    cpu = dict.fromkeys(routes, 0.0)
    for number in range(_WARM_UP + count):
        for name, route in routes.items():
            used, began = _cpu(route.pid), perf_counter()
            (await request(name, route)).raise_for_status()
            if number >= _WARM_UP:
                times[name].append(perf_counter() - began)
                cpu[name] += _cpu(route.pid) - used
    return {name: Cost(median(times[name]), cpu[name] / count) for name in routes}


async def _both(routes: Mapping[str, Route]) -> tuple[dict[str, Cost], dict[str, Cost]]:
    """Return what status requests about a running job cost, and what creates do."""
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        jobs: dict[str, str] = {}

        async def create(_name: str, route: Route) -> httpx.Response:
            url = f"{route.base_url}/videos"
            return await client.post(url, json=_JOB, headers=_authorized(route))

        async def status(name: str, route: Route) -> httpx.Response:
            return await client.get(
                f"{route.base_url}/videos/{jobs[name]}", headers=_authorized(route)
            )

        for name, route in routes.items():
            jobs[name] = (await create(name, route)).json()["id"]
        statuses = await _measure(routes, status, _STATUSES)
        return statuses, await _measure(routes, create, _CREATES)


def _authorized(route: Route) -> dict[str, str]:
    return {"authorization": f"Bearer {route.key}"}


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
            return _rows(*await _both(routes))


def _rows(statuses: Mapping[str, Cost], creates: Mapping[str, Cost]) -> list[Row]:
    rows = []
    for what, costs in (("status request", statuses), ("create, committed", creates)):
        direct, ours, theirs = costs["direct"], costs["notifier"], costs.get("litellm")
        added = ours.took - direct.took
        note = f"{direct.took * 1e3:.2f} ms directly"
        if theirs is not None:
            note += f", {theirs.took * 1e3:.2f} ms through LiteLLM's proxy"
        reach = f"{OVERHEAD * 1e3:.1f} ms"
        ratio = added / OVERHEAD
        rows.append(Row(f"a {what}: longer by", f"{added * 1e3:.2f} ms", reach, ratio, note))
        if theirs is not None:
            reach = f"{theirs.cpu / CHEAPER * 1e3:.2f} ms"
            ratio = ours.cpu * CHEAPER / theirs.cpu
            note = f"LiteLLM's proxy {theirs.cpu * 1e3:.2f} ms"
            rows.append(Row(f"a {what}: CPU", f"{ours.cpu * 1e3:.2f} ms", reach, ratio, note))
    if "litellm" not in statuses:
        Console(stderr=True).print("LiteLLM's proxy is not installed: nothing to compare with")
    return rows


def main() -> int:
    """Measure and print; exit 1 for a gross regression."""
    with tempfile.TemporaryDirectory() as folder:
        rows = trio.run(run, Path(folder))
    Console(width=140).print(as_table(rows))
    return int(any(row.is_gross for row in rows))


if __name__ == "__main__":
    sys.exit(main())
