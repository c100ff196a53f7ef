"""A real daemon before a real LiteLLM proxy before sandboxes: every job gets its right event.

docs/gateways.md has the results as a table.
"""

import re
import signal
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from notifier.http_server import serve
from notifier.sandbox import Sandbox
from tests.litellm.proxy import KEY, LISTS, UPSTREAM_KEY, Deployment, Proxy, running_proxy
from tests.process.harness import Receiver, World, eventually, running, world

JOBS: Mapping[str, tuple[str, str, str]] = {
    "created": ("sora-2", "a cat [1s]", "video.completed"),
    "a second deployment of the model": ("my-video", "a cat [1s]", "video.completed"),
    "an alias of the router": ("short", "a cat [1s]", "video.completed"),
    "another provider": ("omni", "a cat [1s]", "video.completed"),
    "failed": ("sora-2", "fail [1s]", "video.failed"),
    "failed, quoted within a 500": ("omni", "fail [1s]", "video.failed"),
    "cancelled": ("sora-2", "cancel [1s]", "video.cancelled"),
    "forgotten, quoted within a 404": ("sora-2", "lose [1s]", "video.lost"),
}
"""By what is tried: the model, the prompt, the type of the right event."""


@dataclass
class Scene:
    """A proxy before its upstreams, a receiver, and the world of the daemon."""

    w: World
    proxy: Proxy
    app: Receiver
    pro: Sandbox
    names: dict[str, str]

    async def create(self, name: str, model: str, prompt: str) -> None:
        """Start a job and watch it; its event goes by `name`."""
        video_id = await self.proxy.create(model, prompt)
        self.names[video_id] = name
        self.w.watch(video_id)

    def save(self, **settings: Any) -> Path:  # noqa: ANN401 - any setting
        """Write a config for the proxy."""
        # what gets no right event ends as timed out instead of keeping the test waiting
        given = {"api_key": KEY, "give_up_after": "90s", **settings}
        self.w.gateway(base_url=self.proxy.base_url, **given)
        return self.w.save()

    @property
    def events(self) -> dict[str, str]:
        """The type of each event by the name of its job."""
        data = [got.event for got in self.app.got]
        return {self.names[event["data"]["id"]]: event["type"] for event in data}


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    async with world(folder, api_key=UPSTREAM_KEY) as w:
        omni, pro = Sandbox(profile="vllm-omni"), Sandbox(api_key=UPSTREAM_KEY)
        omni_port = await w.nursery.start(partial(serve, omni.handle))
        pro_port = await w.nursery.start(partial(serve, pro.handle))
        app = await w.receiver()
        w.endpoint(app)
        async with running_proxy(
            folder,
            Deployment("sora-2", "openai/sora-2", w.gateway_port),
            Deployment("my-video", "openai/sora-2", w.gateway_port),
            Deployment("sora-2-pro", "openai/sora-2-pro", pro_port),
            Deployment("omni", "hosted_vllm/wan", omni_port),
            lists_from=w.gateway_port,
        ) as proxy:
            yield Scene(w, proxy, app, pro, {})


@pytest.mark.parametrize("headers", [{}, LISTS], ids=["without lists", "with lists"])
async def test_every_job_behind_the_proxy_gets_its_right_event(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with scene(tmp_path) as s:
        for name, (model, prompt, _) in JOBS.items():
            await s.create(name, model, prompt)
        expected = {name: event for name, (_, _, event) in JOBS.items()}
        async with running(s.save(headers=headers)) as daemon:
            await eventually(lambda: len(s.events) == len(expected), "an event for each job")
            assert s.events == expected
            assert not daemon.logs("gateway_paused")


async def test_a_model_whose_key_is_refused_delays_no_other_and_ends_no_watch(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.create("refused", "sora-2-pro", "a cat [1s]")
        s.pro.api_key = "sk-another-0123456789"
        for number in range(3):
            await s.create(f"good {number}", "sora-2", "a cat [600s]")
        async with running(s.save(give_up_after="10m")) as daemon:
            await eventually(lambda: len(polls(s.pro)) >= 1, "a refusal")
            before = len(polls(s.w.sandbox))
            await eventually(lambda: len(polls(s.w.sandbox)) >= before + 6, "good answers since")
            # with the refused one alone left, every open video is refused, and a pause is right
            assert not daemon.logs("gateway_paused")
            for video_id in list(s.w.sandbox.jobs):
                s.w.sandbox.create(video_id=video_id, duration=0.001)
            await eventually(lambda: len(s.events) >= 3, "the events of the good ones")
            assert s.events == {f"good {number}": "video.completed" for number in range(3)}
            s.pro.api_key = UPSTREAM_KEY
            await eventually(
                lambda: "refused" in s.events, "the event of the one that was refused"
            )
            assert s.events["refused"] == "video.completed"


def polls(sandbox: Sandbox) -> list[float]:
    """Return when a sandbox was asked about a video."""
    return [request.at for request in sandbox.requests if request.method == "GET"]


async def test_without_a_database_a_key_that_the_proxy_does_not_know_pauses_the_gateway(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        for number in range(3):
            await s.create(f"job {number}", "sora-2", "a cat [1s]")
        async with running(s.save(api_key="sk-unknown-0123456789")) as daemon:
            await daemon.wait_for_log("gateway_paused")
            assert s.events == {}
            s.save()
            daemon.process.send_signal(signal.SIGHUP)
            await eventually(lambda: len(s.events) == 3, "the events once the key is right")
        assert set(s.events.values()) == {"video.completed"}


def with_inner_id(video_id: str, inner: str) -> str:
    """Return the proxy's id of another video of the same deployment."""
    text = b64decode(video_id.removeprefix("video_")).decode()
    changed = re.sub(r";video_id:[^;]*", f";video_id:{inner}", text)
    return f"video_{b64encode(changed.encode()).decode()}"


async def test_a_job_that_never_existed_is_lost(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.create("real", "sora-2", "a cat [1s]")
        (video_id,) = s.names
        other = with_inner_id(video_id, "video_never")
        s.names[other] = "never"
        s.w.watch(other)
        async with running(s.save()):
            await eventually(lambda: len(s.events) == 2, "both events")
        assert s.events == {"real": "video.completed", "never": "video.lost"}
