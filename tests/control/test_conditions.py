"""What is known of gateways and watches, in the API, the metrics and `status`."""

import json
from pathlib import Path
from typing import Any

import trio

from tests.control.client import Api, serving
from tests.faults.jobs import begin
from tests.process.harness import PATIENCE, World, eventually, notifier, world

NOBODY = "http://127.0.0.1:9/v1"
"""Connections to it are refused: the port of the discard service, which nobody runs."""
MANY = 250


async def gateway_in(state: str, api: Api) -> dict[str, Any]:
    """Return what the API says of the one gateway, once it is in a state."""
    with trio.fail_after(PATIENCE):
        while True:
            (gateway,) = (await api.ask("GET", "/v1/status")).body["gateways"]
            if gateway["state"] == state:
                return dict(gateway)
            await trio.sleep(0.1)


async def status(w: World, *options: str) -> str:
    return (await notifier("status", *options, "-c", w.config_path)).stdout


async def test_a_gateway_that_refuses_connections_is_failing_and_says_why(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(base_url=NOBODY)
        w.watch("one", "two", "three", "four")
        async with serving(w) as api:
            gateway = await gateway_in("failing", api)
            assert (gateway["paused"], gateway["last_answer_at"]) == (False, None)
            assert "refused" in gateway["last_error"]
            assert gateway["since"] <= gateway["last_error_at"]

            watch = (await api.ask("GET", "/v1/watches/main/one")).body
            assert watch["last_asked_at"] > watch["taken_at"] - 1
            assert "refused" in watch["last_outcome"]
            (listed,) = (await api.ask("GET", "/v1/watches?video_id=one")).body["data"]
            assert listed["last_outcome"] == watch["last_outcome"]

            lines = (await api.ask("GET", "/metrics")).body.splitlines()
            assert 'notifier_gateway_up{gateway="main"} 0.0' in lines

            shown = await status(w)
            assert "failing: it does not answer" in shown
            assert gateway["last_error"] in shown
            assert "not seen yet: " in shown
            (row,) = json.loads(await status(w, "--json"))
            assert row["gateways"][0]["state"] == "failing"
            assert "refused" in row["videos"][0]["last_outcome"]


async def test_a_gateway_that_answers_is_ok_and_says_when_it_last_did(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        async with serving(w) as api:
            await eventually(lambda: len(api.daemon.logs("poll")) >= 1, "a poll")
            assert (await gateway_in("ok", api))["last_answer_at"] is not None
            watch = (await api.ask("GET", "/v1/watches/main/job")).body
            assert watch["last_outcome"].startswith(("queued", "in_progress"))
            lines = (await api.ask("GET", "/metrics")).body.splitlines()
            assert 'notifier_gateway_up{gateway="main"} 1.0' in lines


async def test_off_a_terminal_status_lists_every_open_video(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(base_url=NOBODY)
        w.watch(*(f"video_{number:03}" for number in range(MANY)))
        async with serving(w):
            shown = await status(w)
            (row,) = json.loads(await status(w, "--json"))
        assert sum(f"video_{number:03}" in shown for number in range(MANY)) == MANY
        assert len(row["videos"]) == MANY
        assert "more" not in shown
