"""The receivers of docs/receivers.md, each built, started and sent to."""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from notifier.signing import decode_secret, generate_secret, signed_headers
from tests.process.harness import notifier, running, world
from tests.receivers.programs import PROGRAMS, Program
from tests.receivers.running import Running, free_port, receiver

SECRET, OLDER, STRANGER = generate_secret(), generate_secret(), generate_secret()
TOLERANCE = 5 * 60


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.name)
def program(request: pytest.FixtureRequest) -> Program:
    chosen: Program = request.param
    chosen.skip_unless_possible()
    return chosen


@pytest.fixture
def socket_path() -> Iterator[str]:
    """Name a control socket whose path is short enough."""
    with tempfile.TemporaryDirectory(prefix="n", dir="/tmp") as folder:
        yield f"{folder}/s"


async def test_a_receiver_works_once_on_each_event_of_the_daemon_while_secrets_rotate(
    program: Program, tmp_path: Path, socket_path: str
) -> None:
    folder = tmp_path / "receiver"
    folder.mkdir()
    port = free_port()
    commands = program.prepare(folder, port)
    async with (
        receiver(program, folder, port, commands, OLDER, SECRET) as here,
        world(tmp_path) as w,
    ):
        w.config["http"] = {"socket": socket_path}
        # the daemon signs with a secret that this receiver does not know yet, and with one it does
        endpoint = {"url": here.url, "secret": [STRANGER, SECRET]}
        w.config["endpoints"] = {"app": endpoint}
        for video_id, ending in (("good", "completed"), ("bad", "failed"), ("gone", "cancelled")):
            w.sandbox.create(video_id=video_id, duration=0.1, ending=ending)
            w.watch(video_id)
        config = ("-c", w.save())
        async with running(w.config_path) as daemon:
            await here.wait_for("good is ready: ")
            await here.wait_for("bad failed: ")
            await here.wait_for("gone has no video: video.cancelled")
            await daemon.wait_for_log("attempt", 3)
            listed = await notifier("events", "list", "--json", *config)
            ids = {event["id"] for event in json.loads(listed.stdout)}
            for event_id in ids:
                await here.wait_until_worked_on(event_id)
                sent = await notifier("events", "resend", event_id, *config)
                assert sent.returncode == 0, sent.stderr
            await daemon.wait_for_log("attempt", 6)
            tested = await notifier("endpoints", "test", "app", "--type", "video.lost", *config)
            assert tested.returncode == 0, tested.stderr
            await here.wait_for("video_notifier_test has no video: video.lost")
            assert {each["outcome"] for each in daemon.logs("attempt")} == {"delivered"}
        assert here.printed("/videos/good/content") == 1
        assert [here.printed("bad failed: "), here.printed("gone has no video: ")] == [1, 1]


def signed(*secrets: str, event_id: str, body: bytes, age: float = 0) -> Mapping[str, str]:
    keys = [decode_secret(secret) for secret in secrets]
    headers = signed_headers(keys, event_id, int(time.time() - age), body)
    return {**headers, "content-type": "application/json"}


def completed(video_id: str) -> bytes:
    event = {
        "type": "video.completed",
        "data": {"id": video_id, "error": None},
        "watch": {"content_url": f"https://gateway.example/{video_id}", "metadata": {}},
    }
    return json.dumps(event, separators=(",", ":")).encode()


async def test_a_receiver_refuses_what_is_forged_or_old_and_loses_nothing_when_it_is_killed(
    program: Program, tmp_path: Path
) -> None:
    port = free_port()
    commands = program.prepare(tmp_path, port)
    async with receiver(program, tmp_path, port, commands, SECRET) as here:
        await refuses_everything_else(program, here)
        body = completed("first")
        headers = signed(SECRET, event_id="evt_1", body=body, age=TOLERANCE - 30)
        assert await here.post(headers, body) == 204
        await here.wait_until_worked_on("evt_1")
        assert await here.post(headers, body) == 204
    # as a process leaves it that was killed after its answer and before its work
    (here.inbox / "evt_2.json").write_bytes(completed("second"))
    async with receiver(program, tmp_path, port, commands, SECRET) as here:
        await here.wait_until_worked_on("evt_2")
        assert await here.post(headers, body) == 204
        body = json.dumps({"type": "video.invented", "data": {"id": "other"}}).encode()
        assert await here.post(signed(SECRET, event_id="evt_3", body=body), body) == 204
        await here.wait_until_worked_on("evt_3")
        printed = [here.printed(f"{which} is ready: ") for which in ("first", "second", "other")]
        assert printed == [1, 1, 0]


async def refuses_everything_else(program: Program, here: Running) -> None:
    body = completed("forged")
    good = signed(SECRET, event_id="evt_0", body=body)
    for headers, sent in (
        (good, body + b" "),
        ({**good, "webhook-id": "evt_00"}, body),
        ({**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}, body),
        ({**good, "webhook-timestamp": "soon"}, body),
        ({**good, "webhook-signature": good["webhook-signature"].removeprefix("v1,")}, body),
        ({**good, "webhook-signature": ""}, body),
        ({"content-type": "application/json"}, body),
        (signed(STRANGER, OLDER, event_id="evt_0", body=body), body),
        (signed(SECRET, event_id="evt_0", body=body, age=TOLERANCE + 30), body),
        (signed(SECRET, event_id="evt_0", body=body, age=-TOLERANCE - 30), body),
        (signed(SECRET, event_id="../evt_0", body=body), body),
    ):
        assert await here.post(headers, sent) == program.refuses, headers
    assert list(here.inbox.rglob("*")) == []
