"""A real daemon before every dialect of the sandbox at once: each job gets its right event."""

from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from notifier.http_server import serve
from notifier.sandbox import PROFILES, Sandbox
from tests.process.harness import FAST, World, eventually, running, world

ENDINGS = {
    "completed": "video.completed",
    "failed": "video.failed",
    "cancelled": "video.cancelled",
    "lost": "video.lost",
}
NO_CANCELLED = frozenset({"xai", "kling"})
"""Dialects in which a cancelled job reads as failed."""


def expected(profile: str) -> dict[str, str]:
    """Return the type of the right event by the id of its job."""
    cancelled = "video.failed" if profile in NO_CANCELLED else "video.cancelled"
    right = {**ENDINGS, "cancelled": cancelled}
    return {f"{profile}-{ending}": event for ending, event in right.items()}


async def dialect(w: World, profile: str, lists: str) -> None:
    """Add a gateway that speaks `profile`, and watch a job of each ending there."""
    sandbox = Sandbox(profile=profile)
    port = await w.nursery.start(partial(serve, sandbox.handle))
    base_url = f"http://127.0.0.1:{port}/v1"
    w.config["gateways"][profile] = {
        **FAST,
        "base_url": base_url,
        "list_videos": lists,
        "give_up_after": "90s",
        "headers": {"custom-llm-provider": "openai"},
    }
    for ending in ENDINGS:
        video_id = f"{profile}-{ending}"
        sandbox.create(video_id=video_id, duration=1, ending=ending)
        w.watch(PROFILES[profile].shown_id(video_id, Random(1)), gateway=profile)


@pytest.mark.parametrize("lists", ["auto", "never"])
async def test_every_job_of_every_dialect_gets_its_right_event(tmp_path: Path, lists: str) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.config["gateways"] = {}
        for profile in PROFILES:
            await dialect(w, profile, lists)
        right = {job: event for profile in PROFILES for job, event in expected(profile).items()}
        async with running(w.save()):
            await eventually(lambda: len(app.got) >= len(right), "an event for each job")
        seen = {watched_id(got.event): got.event["type"] for got in app.got}
    assert seen == right


def watched_id(event: dict[str, Any]) -> str:
    """Return the sandbox's own id of the job that an event is about."""
    return PROFILES[event["watch"]["gateway"]].job_id(event["data"]["id"])
