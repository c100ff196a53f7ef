"""An application that only changes its base URL has every job that it creates watched."""

import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import trio

from tests.process.harness import Daemon, Receiver, World, notifier, running, world

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
    folder: Path, *, gateway: dict[str, Any] | None = None, **settings: object
) -> AsyncIterator[Passing]:
    """Run a daemon with pass-through at a port of the system's choice."""
    async with world(folder, api_key=KEY, duration=1.0) as here:
        receiver = await here.receiver()
        here.endpoint(receiver)
        here.gateway(**{"api_key": KEY, **(gateway or {})})
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


def the_script(base_url: str) -> str:
    """Use the SDK as its documentation shows it, with another base_url and nothing else."""
    with warnings.catch_warnings(), openai.OpenAI(base_url=base_url, api_key=KEY) as client:
        # the SDK marks its whole video API as deprecated; that it works here is the point
        warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)
        video = client.videos.create_and_poll(model="sora-2", prompt="a cat")
        assert video.status == "completed"
        assert client.videos.download_content(video.id).read()
        assert video.id in {each.id for each in client.videos.list()}
        return video.id


async def test_the_openai_sdk_needs_another_base_url_and_nothing_else(tmp_path: Path) -> None:
    async with passing(tmp_path) as here:
        video_id = await trio.to_thread.run_sync(the_script, here.base_url)
        await here.receiver.wait_for(1)
        assert here.receiver.got[0].event["data"]["id"] == video_id


async def test_with_discovery_a_job_survives_a_kill_before_its_commit(tmp_path: Path) -> None:
    async with passing(tmp_path, gateway={"discover": True}) as here:
        first = await here.create()
        await here.receiver.wait_for(1)
        here.daemon.process.kill()
        await here.daemon.exit_code()
        # what is left of a create whose answer the daemon did not live to commit
        lost = await direct_create(here.world.gateway_port)
        async with running(here.world.config_path):
            await here.receiver.wait_for(2)
        ids = [got.event["data"]["id"] for got in here.receiver.got]
        assert ids == [first.json()["id"], lost]


async def direct_create(port: int) -> str:
    """Create a job at the gateway itself; return its id."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/v1/videos",
            json={"model": "sora-2", "prompt": "a dog"},
            headers={"authorization": f"Bearer {KEY}"},
        )
        return str(answer.json()["id"])


async def test_status_requests_of_a_polling_application_save_polls(tmp_path: Path) -> None:
    slow = {"poll_interval": "60s", "min_poll_interval": "60s", "max_requests_per_second": 10}
    async with passing(tmp_path, gateway=slow) as here:
        answer = await here.create()
        path = f"/videos/{answer.json()['id']}"
        headers = {"authorization": f"Bearer {KEY}"}
        status = "queued"
        with trio.fail_after(60):
            while status != "completed":
                asked = await here.request("GET", path, headers=headers)
                status = asked.json()["status"]
                if status != "completed":
                    assert int(asked.headers["openai-poll-after-ms"]) > 0
                await trio.sleep(0.1)
        # the poller itself would ask again in a minute
        await here.receiver.wait_for(1)
        assert here.receiver.got[0].event["type"] == "video.completed"


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


async def test_two_hundred_creates_at_once_all_have_their_events(tmp_path: Path) -> None:
    async with passing(tmp_path) as here:
        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(here.create)
        await here.receiver.wait_for(200)
        assert len({got.event["data"]["id"] for got in here.receiver.got}) == 200
