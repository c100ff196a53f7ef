"""The main job over real processes and real HTTP, checked by third-party verifiers."""

import json
import time
from pathlib import Path
from typing import Any

import openai
import pytest
import standardwebhooks
import svix.webhooks

from notifier.http_server import Response
from notifier.sandbox import Fault
from tests.process.harness import PATIENCE, Got, eventually, notifier, running, world

ENDINGS = {
    "completed": "video.completed",
    "failed": "video.failed",
    "cancelled": "video.cancelled",
    "expired": "video.failed",
    "lost": "video.lost",
}


def verify_with_other_libraries(secret: str, got: Got) -> None:
    """Check a received POST with each of the independent verifiers."""
    headers = dict(got.headers)
    standardwebhooks.Webhook(secret).verify(got.body, headers)
    svix.webhooks.Webhook(secret).verify(got.body, headers)
    client = openai.OpenAI(api_key="unused", webhook_secret=secret)
    event = client.webhooks.unwrap(got.body.decode(), headers)
    assert event.type == got.event["type"]
    data: Any = event.data
    assert data.id == got.event["data"]["id"]
    client.close()


async def test_every_ending_arrives_signed_at_every_endpoint_and_the_daemon_ends(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app, ops = await w.receiver(), await w.receiver()
        w.endpoint(app, "app")
        w.endpoint(ops, "ops", events=["video.failed"])
        for ending in ENDINGS:
            w.sandbox.create(video_id=f"job-{ending}", ending=ending, duration=1)
            w.watch(f"job-{ending}", metadata={"ending": ending})
        w.sandbox.create(video_id="job-stuck", ending="stuck", duration=1)
        w.watch("job-stuck", give_up_after="2s", metadata={"ending": "stuck"})

        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        expected = {f"job-{ending}": type_ for ending, type_ in ENDINGS.items()}
        expected["job-stuck"] = "video.timed_out"
        assert {got.event["data"]["id"]: got.event["type"] for got in app.got} == expected
        assert len(app.got) == len(expected)
        assert {got.event["type"] for got in ops.got} == {"video.failed"}
        for got in [*app.got, *ops.got]:
            verify_with_other_libraries(w.secret, got)
            assert got.event["watch"]["metadata"]["ending"] in got.event["data"]["id"]
        assert {got.id for got in ops.got} <= {got.id for got in app.got}


@pytest.mark.parametrize(
    "profile",
    [
        "openai",
        "new-api",
        "new-api-legacy",
        "litellm",
        "vllm-omni",
        "openrouter",
        "unsloth",
        "azure",
        "inworld",
        "replicated",
    ],
)
async def test_every_dialect_of_the_sandbox_is_watched_to_its_end(
    profile: str, tmp_path: Path
) -> None:
    async with world(tmp_path, profile=profile) as w:
        app = await w.receiver()
        w.endpoint(app)
        # the sandbox's dialects ask for polls after seconds; so does this gateway's bound
        w.gateway(rewrites_ids=profile == "litellm", min_poll_interval="50ms")
        jobs = {
            ending: w.sandbox.create(ending=ending, duration=0.5).id
            for ending in ("completed", "failed", "cancelled", "lost")
        }
        w.watch(*jobs.values())

        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        types = {got.event["data"]["id"]: got.event["type"] for got in app.got}
        assert types == {video_id: f"video.{ending}" for ending, video_id in jobs.items()}


async def test_a_gateway_full_of_faults_delays_events_and_loses_none(tmp_path: Path) -> None:
    kinds = ["429", "500", "drip", "html", "broken-json", "flaky-404", "reset"]
    faults = [Fault(kind, 0.06) for kind in kinds]
    async with world(tmp_path, faults=faults) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(request_timeout="1s", not_found_grace="30s")
        for number in range(20):
            w.sandbox.create(video_id=f"job-{number}", duration=1)
            w.watch(f"job-{number}")

        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        assert sorted(got.event["data"]["id"] for got in app.got) == sorted(
            f"job-{number}" for number in range(20)
        )
        assert {got.event["type"] for got in app.got} == {"video.completed"}


async def test_a_dropin_is_picked_up_while_running_and_a_broken_one_affects_no_other(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        dropins = tmp_path / "watches.d"
        dropins.mkdir()
        w.sandbox.create(video_id="early", duration=600)
        w.sandbox.create(video_id="late", duration=0.5)
        w.watch("early")

        async with running(w.save()) as daemon:
            (dropins / "broken.toml").write_text("[[watches]\nvideo_id =")
            await daemon.wait_for_log("dropin_ignored")
            (dropins / "late.toml").write_text('[[watches]]\nvideo_id = "late"\n')
            await app.wait_for(1)
            assert await daemon.end() == 0

        assert app.got[0].event["data"]["id"] == "late"
        (ignored,) = daemon.logs("dropin_ignored")
        assert "broken.toml" in ignored["file"]
        assert not daemon.logs("withdrawn")


async def test_a_deleted_dropin_withdraws_its_watch_without_an_event(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.sandbox.create(video_id="unwanted", duration=600)
        w.save()
        assert (await notifier("watch", "add", "unwanted", "-c", w.config_path)).returncode == 0

        async with running(w.config_path) as daemon:
            await daemon.wait_for_log("poll")
            removed = await notifier("watch", "remove", "unwanted", "-c", w.config_path)
            assert removed.returncode == 0
            await daemon.wait_for_log("withdrawn")
            assert await daemon.end() == 0
        assert app.got == []


async def test_watch_add_wait_follows_a_video_to_its_event(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.sandbox.create(video_id="good", duration=1)
        w.sandbox.create(video_id="bad", duration=1, ending="failed")
        w.save()

        async with running(w.config_path) as daemon:
            good = await notifier("watch", "add", "good", "--wait", "-c", w.config_path)
            bad = await notifier("watch", "add", "bad", "--wait", "-c", w.config_path)
            assert await daemon.end() == 0

        assert (good.returncode, bad.returncode) == (0, 1)
        assert good.stdout.startswith("video.completed good (evt_")
        assert bad.stdout.startswith("video.failed bad (evt_")


async def test_a_wrong_key_pauses_the_gateway_and_a_new_key_file_resumes_it(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, api_key="right-key-123") as w:
        app = await w.receiver()
        w.endpoint(app)
        key_file = tmp_path / "key"
        key_file.write_text("wrong-key-456\n")
        key_file.chmod(0o600)
        w.gateway(api_key={"file": str(key_file)})
        w.sandbox.create(video_id="job", duration=0.2)
        w.watch("job", give_up_after="10m")

        async with running(w.save()) as daemon:
            await daemon.wait_for_log("gateway_paused")
            assert await daemon.end() == 0
            asked = len(w.sandbox.requests)
        assert asked == 1
        assert app.got == []

        key_file.write_text("right-key-123\n")
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        assert [got.event["type"] for got in app.got] == ["video.completed"]
        assert "right-key" not in daemon.log_path.read_text()


async def test_a_daemon_that_is_started_twice_says_so_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.save()
        async with running(w.config_path) as daemon:
            second = await notifier("run", "-c", w.config_path)
            assert second.returncode == 1
            assert f"pid {daemon.process.pid}" in second.stderr
            assert len(second.stderr.strip().splitlines()) == 1
            assert await daemon.end() == 0


async def test_the_canonical_log_lines_cover_a_video_from_start_to_end(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.sandbox.create(video_id="job", duration=0.5)
        w.watch("job")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

    polls, (event,), (attempt,) = (daemon.logs(name) for name in ("poll", "event", "attempt"))
    assert all({"video_id", "gateway", "outcome", "duration_ms"} <= set(poll) for poll in polls)
    assert polls[-1]["status"] == "completed"
    assert event["event_id"] == attempt["event_id"]
    assert {
        "video_id": "job",
        "gateway": "main",
        "endpoint": "app",
        "attempt": 1,
        "outcome": "delivered",
    }.items() <= attempt.items()
    assert json.dumps(attempt["duration_ms"]).isdigit()


async def test_ctrl_c_drains_what_is_in_flight_and_loses_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.sandbox.create(video_id="job", duration=0.2)
        w.watch("job")
        async with running(w.save()) as daemon:
            await app.wait_for(1)
            assert await daemon.end(2) == 0
        await eventually(lambda: len(daemon.logs("stopped")) == 1, "a last line")
    assert daemon.logs("attempt")[-1]["outcome"] == "delivered"


async def test_a_receiver_that_hangs_is_given_ten_seconds_and_asked_again_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        hanging = await w.receiver()
        hanging.answer = None
        w.endpoint(hanging, timeout="5m")
        w.sandbox.create(video_id="job", duration=0.2)
        w.watch("job")
        async with running(w.save()) as daemon:
            await hanging.wait_for(1)
            began = time.monotonic()
            assert await daemon.end() == 0
            # the attempt would take five minutes
            assert 9 < time.monotonic() - began < PATIENCE

        hanging.answer = lambda _: Response(204)
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        first, second = hanging.got
        assert (first.id, first.body) == (second.id, second.body)
        assert daemon.logs("attempt")[-1]["attempt"] == 2
