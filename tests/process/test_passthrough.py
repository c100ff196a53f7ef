"""An application that only changes its base URL has every job that it creates watched."""

import json
import signal
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from notifier.http_server import Request, Response, Wire, serve
from notifier.sandbox import Sandbox
from tests.process.harness import (
    PATIENCE,
    Daemon,
    Receiver,
    World,
    eventually,
    notifier,
    running,
    world,
)

KEY = "sk-of-the-gateway-0123456789"
TOKEN = "token-of-the-callers-0123456789"


@dataclass
class Passing:
    """A daemon with pass-through, before a sandbox gateway."""

    world: World
    daemon: Daemon
    receiver: Receiver
    port: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/main/v1"

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        async with httpx.AsyncClient(timeout=60) as client:
            return await client.request(method, self.base_url + path, **options)

    async def create(self, **options: Any) -> httpx.Response:  # noqa: ANN401 - passed on
        options.setdefault("headers", {}).setdefault("authorization", f"Bearer {KEY}")
        options.setdefault("json", {"model": "sora-2", "prompt": "a cat"})
        return await self.request("POST", "/videos", **options)

    async def watches(self) -> list[dict[str, Any]]:
        done = await notifier("watch", "list", "--json", "-c", self.world.config_path)
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows


@asynccontextmanager
async def passing(
    folder: Path,
    *,
    gateway: dict[str, Any] | None = None,
    http: dict[str, Any] | None = None,
    **settings: object,
) -> AsyncIterator[Passing]:
    """Run a daemon with pass-through at a port of the system's choice."""
    async with world(folder, api_key=KEY, duration=1.0) as here:
        receiver = await here.receiver()
        here.endpoint(receiver)
        here.gateway(**{"api_key": KEY, **(gateway or {})})
        here.config["http"] = http or {}
        here.config["passthrough"] = {"listen": "127.0.0.1:0", "token": TOKEN, **settings}
        async with running(here.save()) as daemon:
            (line,) = daemon.logs("passing_through")
            yield Passing(here, daemon, receiver, int(str(line["at"]).rpartition(" ")[2]))


async def test_a_job_made_through_it_is_watched_and_its_event_arrives(tmp_path: Path) -> None:
    async with passing(tmp_path) as here:
        answer = await here.create(headers={"notifier-metadata": '{"order": "7"}'})
        assert answer.status_code == 200, answer.text
        assert answer.headers["notifier-watch"] == "added"
        await here.receiver.wait_for(1)
        event = here.receiver.got[0].event
        assert event["data"]["id"] == answer.json()["id"]
        assert event["watch"]["metadata"] == {"order": "7"}


async def test_killed_between_the_gateways_answer_and_the_commit_a_discovered_job_has_one_event(
    tmp_path: Path,
) -> None:
    """The store's write lock is held by the test, so the commit cannot happen."""
    async with passing(tmp_path, gateway={"discover": True}) as here:
        await here.daemon.wait_for_log("discovery_began")
        jobs = here.world.sandbox.jobs
        blocker = sqlite3.connect(here.world.store_path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(refused_create, here)
            await eventually(lambda: bool(jobs), "the gateway's job")
            # nothing shows that the answer was read; killed earlier, the daemon knows even less
            await trio.sleep(0.3)
            assert await here.daemon.end(signal.SIGKILL) == -signal.SIGKILL
        blocker.close()

        async with running(here.world.config_path) as daemon:
            await here.receiver.wait_for(1)
            assert await daemon.end() == 0
        (job,) = jobs
        assert [got.event["data"]["id"] for got in here.receiver.got] == [job]


async def refused_create(here: Passing) -> None:
    """Create a job whose answer never comes."""
    with pytest.raises(httpx.RemoteProtocolError):
        await here.create()


async def test_a_gateway_behind_a_proxy_is_reached_through_it(tmp_path: Path) -> None:
    sandbox, asked = Sandbox(api_key=KEY, duration=1.0), set[tuple[str, str]]()

    async def forward(request: Request, wire: Wire) -> Response | None:
        scheme, _, host, *segments = request.segments
        asked.add((request.method, f"{scheme}//{host}"))
        path = "/" + "/".join(segments)
        return await sandbox.handle(replace(request, path=path, segments=tuple(segments)), wire)

    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, forward, port=0))
        # a name that only the proxy could look up
        gateway = {"base_url": "http://gateway.invalid/v1", "proxy": f"http://127.0.0.1:{port}"}
        async with passing(tmp_path, gateway=gateway) as here:
            assert (await here.create()).headers["notifier-watch"] == "added"
            await here.receiver.wait_for(1)
        nursery.cancel_scope.cancel()
    assert asked == {("POST", "http://gateway.invalid"), ("GET", "http://gateway.invalid")}


async def test_status_requests_of_a_polling_application_save_polls(tmp_path: Path) -> None:
    slow = {"poll_interval": "60s", "min_poll_interval": "60s", "max_requests_per_second": 10}
    async with passing(tmp_path, gateway=slow) as here:
        answer = await here.create()
        path = f"/videos/{answer.json()['id']}"
        headers = {"authorization": f"Bearer {KEY}"}
        status, count = "queued", 0
        with trio.fail_after(60):
            while status != "completed":
                count += 1
                asked = await here.request("GET", path, headers=headers)
                status = asked.json()["status"]
                if status != "completed":
                    assert int(asked.headers["openai-poll-after-ms"]) > 0
                await trio.sleep(0.1)
        # the poller itself would ask again in a minute
        await here.receiver.wait_for(1)
        assert here.receiver.got[0].event["type"] == "video.completed"
        at_gateway = [each for each in here.world.sandbox.requests if each.method == "GET"]
        assert len(at_gateway) == count  # the answer to the create was the first one


async def test_a_job_is_watched_with_the_token_in_place_of_the_key(tmp_path: Path) -> None:
    async with passing(tmp_path) as here:
        answer = await here.create(headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.headers["notifier-watch"] == "added"
        await here.receiver.wait_for(1)
        log = here.daemon.log_path.read_text()
        assert TOKEN not in log
        assert KEY not in log


async def test_what_was_passed_through_is_shown_with_its_source(tmp_path: Path) -> None:
    async with passing(tmp_path) as here:
        video_id = (await here.create()).json()["id"]
        (row,) = await here.watches()
        assert row["video_id"] == video_id
        assert row["listed_in"] == ["passthrough"]


async def test_an_endpoint_that_is_not_there_is_refused_before_the_gateway_is_asked(
    tmp_path: Path,
) -> None:
    async with passing(tmp_path) as here:
        headers = {"authorization": f"Bearer {KEY}", "notifier-endpoints": "nobody"}
        answer = await here.create(headers=headers)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert await here.watches() == []


async def test_a_callback_that_cannot_be_is_refused_before_the_gateway_is_asked(
    tmp_path: Path,
) -> None:
    async with passing(tmp_path, http={"allow_callback_urls": True}) as here:
        for url in ("http://127.0.0.1/", "http://[::ffff:10.0.0.1]/", "ftp://a.example/"):
            headers = {"authorization": f"Bearer {KEY}", "notifier-callback-url": url}
            assert (await here.create(headers=headers)).status_code == 400
            body = {"prompt": "a cat", "callback_url": url}
            assert (await here.create(json=body)).status_code == 400
        assert not here.world.sandbox.requests


async def test_requests_that_pass_by_are_never_delayed_by_the_budget(tmp_path: Path) -> None:
    """At one request in 100 s, ten that keep to it outlast the patience of the test."""
    slow = {"max_requests_per_second": 0.01}
    async with passing(tmp_path, gateway=slow) as here:
        with trio.fail_after(PATIENCE):
            for _ in range(10):
                assert (await here.create()).status_code == 200


async def test_two_hundred_creates_at_once_all_have_their_events(tmp_path: Path) -> None:
    async with passing(tmp_path) as here:
        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(here.create)
        await here.receiver.wait_for(200)
        assert len({got.event["data"]["id"] for got in here.receiver.got}) == 200


async def test_requests_that_were_passed_on_are_in_the_metrics(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="n", dir="/tmp") as short:
        async with passing(tmp_path, http={"socket": f"{short}/s"}) as here:
            await here.create()
            headers = {"authorization": f"Bearer {KEY}"}
            assert (await here.request("GET", "/videos/nothing", headers=headers)).is_error
            over = 'notifier_passed_requests_in_flight{gateway="main"} 0.0'
            with trio.fail_after(PATIENCE):
                while over not in (seen := await scraped(f"{short}/s")):  # noqa: ASYNC110
                    await trio.sleep(0.02)
            assert 'notifier_passed_requests_total{gateway="main",outcome="answered"} 2.0' in seen


async def scraped(socket: str) -> list[str]:
    transport = httpx.AsyncHTTPTransport(uds=socket)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return (await client.get("/metrics")).text.splitlines()
