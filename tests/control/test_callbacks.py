"""Callback URLs, which programs name for the event of one watch."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import trio

from tests.control.callbacks_in_namespace import PUBLIC_ADDRESS
from tests.control.client import Api, serving
from tests.process.harness import clean_environment, world


def need_namespaces() -> None:
    if os.geteuid() != 0:
        pytest.skip("a network namespace of its own needs root")
    for tool in ("unshare", "ip"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing (Debian packages util-linux and iproute2)")


async def test_a_callback_gets_the_event_signed_and_its_failure_affects_nothing_else(
    tmp_path: Path,
) -> None:
    need_namespaces()
    done = await trio.run_process(
        ["unshare", "--net", sys.executable, "-m", "tests.control.callbacks_in_namespace"],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        env=clean_environment(),
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert (found["verified"], found["video"]) == (True, "good")
    assert "x-secret" not in found["headers"]
    assert found["outcomes"] == [
        "gone http_410",
        "good delivered",
        "rebound blocked",
        "rebound blocked",
    ]
    assert found["dead"] == ["gone", "rebound"]
    assert (found["gone"], found["private"]) == (1, 0)
    assert found["disabled"] == [None]
    assert found["shown"].startswith(f"http://{PUBLIC_ADDRESS}:")
    assert found["shown"].endswith("/…")


async def refusal(api: Api, **callback: str) -> str:
    answer = await api.ask("POST", "/v1/watches", {"video_id": "job", **callback})
    assert answer.status == 422
    (problem,) = answer.body["problems"]
    return f"{problem['key']} {problem['message']}"


async def test_callbacks_are_off_unless_they_are_allowed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w) as api:
            said = await refusal(api, callback_url="https://callback.example/")
        assert said == "callback_url is not allowed"


async def test_a_callback_that_cannot_be_is_refused_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.endpoint(await w.receiver(), "second")
        async with serving(w, allow_callback_urls=True) as api:
            good = "https://callback.example/"
            for url in ("ftp://a.example/", "nonsense", "https://user:pw@a.example/"):
                assert (await refusal(api, callback_url=url)).startswith("callback_url ")
            for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]"):
                said = await refusal(
                    api, callback_url=f"http://{address}/", callback_endpoint="app"
                )
                assert said.startswith("callback_url will never be connected to")
            assert await refusal(api, callback_url=good) == "callback_endpoint is required"
            said = await refusal(api, callback_url=good, callback_endpoint="nobody")
            assert said == "callback_endpoint is not the name of a signed endpoint"
            assert "there is none" in await refusal(api, callback_endpoint="app")

            wanted = {"video_id": "job", "callback_url": good, "callback_endpoint": "app"}
            assert (await api.ask("POST", "/v1/watches", wanted)).status == 201
            assert (await api.ask("POST", "/v1/watches", wanted)).status == 200
            wanted["callback_endpoint"] = "second"
            assert (await api.ask("POST", "/v1/watches", wanted)).status == 409
