"""The operator's commands: status, events, replay, endpoints, reload."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notifier.http_server import Response
from tests.faults.jobs import ENDLESS, begin, finish
from tests.process.harness import eventually, notifier, running, world


@pytest.fixture
def socket_path() -> Iterator[str]:
    """Name a control socket whose path is short enough."""
    with tempfile.TemporaryDirectory(prefix="n", dir="/tmp") as folder:
        yield f"{folder}/s"


async def rows(*arguments: str | Path) -> Any:  # noqa: ANN401 - what JSON holds
    done = await notifier(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_an_operator_sees_what_happened_and_has_it_sent_again(
    tmp_path: Path, socket_path: str
) -> None:
    async with world(tmp_path) as w:
        app, late = await w.receiver(answer=lambda _: Response(410)), await w.receiver()
        w.endpoint(app)
        w.config["http"] = {"socket": socket_path}
        begin(w, "job")
        w.sandbox.create(video_id="another", duration=ENDLESS)
        here = ("-c", w.save())
        async with running(w.config_path) as daemon:
            (status,) = await rows("status", *here)
            assert status["daemon"]["pid"] == daemon.process.pid
            assert [video["video_id"] for video in status["videos"]] == ["job"]
            added = await notifier("watch", "add", "another", *here)
            assert "the daemon keeps it" in added.stdout
            assert (await notifier("watch", "remove", "another", *here)).returncode == 0

            finish(w, "job")
            await daemon.wait_for_log("endpoint_disabled")
            (held,) = await rows("events", "list", "--state", "held", *here)
            shown = await notifier("events", "show", held["id"], *here)
            assert "http_410" in shown.stdout
            assert "disabled" in (await notifier("status", *here)).stdout
            app.answer = lambda _: Response(204)
            enabled = await notifier("endpoints", "enable", "app", *here)
            assert enabled.stdout == "app is enabled\n"
            await app.wait_for(2)

            w.endpoint(late, "late")
            w.save()
            reloaded = await notifier("reload", *here)
            assert reloaded.stdout == "added endpoint late\n"
            replayed = await notifier("replay", "--since", "1h", "--endpoint", "late", *here)
            assert replayed.stdout == "late: 1 event\n"
            await late.wait_for(1)
            resent = await notifier("events", "resend", held["id"], *here)
            assert resent.stdout == f"{held['id']} is being sent to app, late again\n"
            await late.wait_for(2)
            assert await daemon.end() == 0
        assert {got.id for got in (*app.got, *late.got)} == {held["id"]}


async def test_a_config_that_cannot_be_used_is_refused_to_the_caller_and_changes_nothing(
    tmp_path: Path, socket_path: str
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.config["http"] = {"socket": socket_path}
        begin(w, "job")
        here = ("-c", w.save())
        async with running(w.config_path) as daemon:
            w.gateway(api_key={"env": "IS_NOT_SET"})
            w.save()
            refused = await notifier("reload", *here)
            assert refused.returncode == 78
            assert "api_key: environment variable IS_NOT_SET is not set" in refused.stderr
            await daemon.wait_for_log("reload_failed")
            finish(w, "job")
            await app.wait_for(1)
            assert await daemon.end() == 0


async def test_without_a_daemon_reading_goes_on_and_acting_says_so(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        here = ("-c", w.save())
        assert await rows("events", "list", *here) == []
        finish(w, "job")
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        (event,) = await rows("events", "list", *here)
        assert event["deliveries"] == {"delivered": 1}
        (status,) = await rows("status", *here)
        assert status["daemon"] is None
        assert status["endpoints"][0]["delivered"] == 1
        for verb in (("reload",), ("replay", "--since", "1h"), ("events", "resend", event["id"])):
            refused = await notifier(*verb, *here)
            assert refused.returncode == 1
            assert "no daemon" in refused.stderr
        unknown = await notifier("events", "show", "evt_nope", *here)
        assert unknown.returncode == 1
        assert unknown.stderr == (
            'notifier: there is no event "evt_nope"; see: notifier events list\n'
        )


async def test_status_shows_each_open_video_with_its_progress(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        async with running(w.save()):
            await eventually(lambda: bool(w.sandbox.requests), "a poll")
            both = await notifier("status", "--follow", "--json", "-c", w.config_path)
            assert both.returncode == 2
            shown = await notifier("status", "-c", w.config_path)
            assert "job" in shown.stdout
            assert "0 %" in shown.stdout


async def test_results_of_acting_commands_come_as_json_too(
    tmp_path: Path, socket_path: str
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.config["http"] = {"socket": socket_path}
        begin(w, "job")
        here = ("-c", w.save())
        async with running(w.config_path) as daemon:
            finish(w, "job")
            await app.wait_for(1)
            await daemon.wait_for_log("attempt")
            (event,) = await rows("events", "list", *here)
            assert await rows("events", "resend", event["id"], *here) == [
                {"event_id": event["id"], "endpoint": "app"}
            ]
            await app.wait_for(2)
            assert await rows("replay", "--since", "1h", *here) == [
                {"endpoint": "app", "events": 0}
            ]
            (reloaded,) = await rows("reload", *here)
            assert reloaded["needs_restart"] == []
            assert await daemon.end() == 0
