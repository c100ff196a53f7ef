import json
import re
import signal
from contextlib import suppress

import httpx
import pytest
import trio
from click.testing import CliRunner

from notifier.cli.sandbox import sandbox_command
from notifier.http_server import Request, Response, Wire, serve
from tests.http_server.client import ask
from tests.http_server.command import finished, started

READY = re.compile(r"sandbox gateway on http://127\.0\.0\.1:(\d+)/v1 \((.*)\)")


def port_in(line: str) -> int:
    found = READY.fullmatch(line)
    assert found, line
    return int(found[1])


async def test_it_says_where_it_is_and_then_what_happens() -> None:
    async with started("sandbox", "--port", "0", "--speed", "10", "--duration", "2s") as command:
        first = await command.line()
        assert first.endswith("(profile openai, speed 10x)")
        port = port_in(first)
        greeting = [await command.line() for _ in range(4)]
        assert f"curl http://127.0.0.1:{port}/v1/videos" in greeting[1]
        body = json.dumps({"prompt": "fail\n\x1b\ud800"}).encode()
        made = (await ask(port, "POST", "/v1/videos", content=body)).json()
        lines = [await command.line() for _ in range(3)]
        assert all(made["id"] in line for line in lines)
        words = [line.split()[2] for line in lines]
        assert words == ["created", "in_progress", "failed"]
        assert "\x1b" not in lines[0]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_with_0_also_while_a_client_hangs(sign: signal.Signals) -> None:
    async with started("sandbox", "--port", "0", "--fault", "hang:1") as command:
        port = port_in(await command.line())
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"GET /v1/videos HTTP/1.1\r\nhost: x\r\n\r\n")
            assert await command.stop(sign) == (0, "")


async def test_options_reach_the_gateway() -> None:
    options = ("--profile", "openrouter", "--api-key", "sk-1", "--fault", "500:1")
    async with started("sandbox", "--port", "0", *options) as command:
        first = await command.line()
        assert "sk-1" not in first + "".join([await command.line() for _ in range(4)])
        port = port_in(first)
        assert (await ask(port, "GET", "/v1/videos")).status_code == 401
        key = {"authorization": "Bearer sk-1"}
        body = {"prompt": "a cat"}
        made = await ask(port, "POST", "/v1/videos", headers=key, json=body)
        assert made.json()["status"] == "pending"
        assert (await ask(port, "GET", "/v1/videos", headers=key)).status_code == 500


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--speed", "0"], "must be a number above 0"),
        (["--speed", "nan"], "must be a number above 0"),
        (["--profile", "sora"], 'not "sora"'),
        (["--fault", "teapot"], 'not "teapot"'),
        (["--fault", "500:2"], "a fault's probability is a number from 0 to 1"),
        (["--duration", "-3s"], "Invalid value for '--duration'"),
        (["--duration", "soon"], "Invalid value for '--duration'"),
        (["--port", "70000"], 'from 0 to 65535, not "70000"'),
    ],
)
def test_a_bad_option_is_exit_2_and_a_sentence(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(sandbox_command, arguments)
    assert result.exit_code == 2
    assert sentence in result.output


async def test_a_port_in_use_is_exit_1_and_one_sentence(nursery: trio.Nursery) -> None:
    async def nobody(_request: Request, _wire: Wire) -> Response:
        return Response(204)

    port = await nursery.start(serve, nobody)
    for name in ("sandbox", "listen"):
        result = await finished(name, "--port", str(port))
        said = f"notifier: cannot listen on 127.0.0.1:{port}: Address already in use\n"
        assert (result.returncode, result.stdout, result.stderr.decode()) == (1, b"", said)


async def test_a_host_that_does_not_exist_is_one_sentence() -> None:
    result = await finished("sandbox", "--host", "256.0.0.1", "--port", "0")
    assert result.returncode == 1
    assert result.stderr.startswith(b"notifier: cannot listen on 256.0.0.1:0: ")
    assert result.stderr.count(b"\n") == 1


async def test_it_stops_quietly_when_nobody_reads_its_output() -> None:
    async with started("sandbox", "--port", "0", "--duration", "1s") as command:
        port = port_in(await command.line())
        assert command.process.stdout is not None
        await command.process.stdout.aclose()
        with suppress(httpx.RemoteProtocolError):
            await ask(port, "POST", "/v1/videos", json={"prompt": "a cat"})
        with trio.fail_after(120):
            assert await command.process.wait() in {0, 1}
        assert command.process.stderr is not None
        assert await command.process.stderr.receive_some() == b""
