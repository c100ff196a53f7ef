import json
import re
import time

import httpx
import pytest
import trio
from click.testing import CliRunner

from notifier.cli.listen import listen_command
from notifier.signing import decode_secret, generate_secret, signed_headers
from tests.http_server.client import ask
from tests.http_server.command import Command, started

SECRET = generate_secret()
BODY = json.dumps(
    {"type": "video.completed", "data": {"id": "video_1"}, "watch": {"gateway": "main"}}
).encode()


async def port_of(command: Command) -> int:
    line = await command.line()
    found = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)/", line)
    assert found, line
    return int(found[1])


async def post(port: int, secret: str = SECRET, message_id: str = "evt_1") -> httpx.Response:
    headers = signed_headers([decode_secret(secret)], message_id, int(time.time()), BODY)
    return await ask(port, "POST", "/", headers=headers, content=BODY)


async def test_each_event_is_one_readable_line() -> None:
    options = ("--secret", SECRET, "--fail-first", "1")
    async with started("listen", "--port", "0", *options) as command:
        port = await port_of(command)
        statuses = [(await post(port)).status_code for _ in range(3)]
        statuses.append((await post(port, generate_secret(), "evt_2")).status_code)
        assert statuses == [500, 204, 204, 401]
        lines = [re.sub(r"^\d\d:\d\d:\d\d  ", "", await command.line()) for _ in range(4)]
        assert lines == [
            "video.completed  video_1  evt_1  ✓ verified  → 500",
            "video.completed  video_1  evt_1  ✓ verified  → 204  attempt 2",
            "video.completed  video_1  evt_1  ✓ verified  → 204  attempt 3  duplicate",
            "video.completed  video_1  evt_2  ✗ no signature matches  → 401",
        ]


async def test_with_json_each_event_is_one_object() -> None:
    env = {"NOTIFIER_WEBHOOK_SECRET": f"{generate_secret()} {SECRET}"}
    async with started("listen", "--port", "0", "--json", env=env) as command:
        await post(await port_of(command))
        row = json.loads(await command.line())
        assert abs(row.pop("received_at") - time.time()) < 60
        assert set(row.pop("headers")) >= {"webhook-id", "webhook-timestamp"}
        assert row == {
            "verified": True,
            "reason": "",
            "id": "evt_1",
            "type": "video.completed",
            "attempt": 1,
            "duplicate": False,
            "answered": 204,
            "data": {"id": "video_1"},
            "watch": {"gateway": "main"},
        }


async def test_without_a_secret_it_says_that_nothing_is_verified() -> None:
    async with started("listen", "--port", "0", "--respond", "503") as command:
        port = await port_of(command)
        assert "without being verified" in await command.line()
        assert (await post(port)).status_code == 503
        assert "unverified" in await command.line()


async def test_terminal_escapes_in_an_event_are_not_printed() -> None:
    async with started("listen", "--port", "0") as command:
        port = await port_of(command)
        await command.line()
        body = json.dumps({"type": "\x1b[31mred\ud800", "data": {"id": "a\nb"}}).encode()
        await ask(port, "POST", "/", content=body)
        assert "\ufffd[31mred\ufffd  a\ufffdb" in await command.line()


async def test_a_slow_listener_is_abandoned_by_a_hasty_sender() -> None:
    async with started("listen", "--port", "0", "--slow", "1h") as command:
        port = await port_of(command)
        with trio.move_on_after(0.2) as patience:
            await post(port)
        assert patience.cancelled_caught


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--secret", "hunter2"], "must start with whsec_"),
        (["--secret", "whsec_hunter2"], "must be whsec_ followed by standard base64"),
        (["--respond", "99"], 'from 200 to 599, not "99"'),
        (["--fail-first", "-1"], 'of at least 0, not "-1"'),
        (["--slow", "-1s"], "Invalid value for '--slow'"),
        (["--slow", "-1"], "Invalid value for '--slow'"),
        (["--slow", "nan"], "Invalid value for '--slow'"),
    ],
)
def test_a_bad_option_is_exit_2_and_a_sentence(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(listen_command, arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "hunter2" not in result.output
