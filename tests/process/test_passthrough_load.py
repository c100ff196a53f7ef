"""Much at once, and much at a time: the daemon stays small and serves everyone."""

from functools import partial
from pathlib import Path

import pytest
import trio

from tests.passthrough.large_bodies import MOST_GROWTH, grown_by, relayed
from tests.passthrough.rig import VIDEO, answer
from tests.process.harness import eventually, running, world
from tests.process.test_passthrough import KEY

AT_ONCE = 1000


async def test_large_bodies_take_no_memory(tmp_path: Path) -> None:
    async with relayed(tmp_path) as here:
        assert await grown_by(here, 128 << 20) < MOST_GROWTH


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_slow_requests_at_once_are_answered_and_polls_go_on(
    tmp_path: Path,
) -> None:
    waiting, polls, go_on = 0, 0, trio.Event()

    async def serve(stream: trio.SocketStream) -> None:
        nonlocal waiting, polls
        async with stream:
            while request := await stream.receive_some():
                if b"/slow/" in request:
                    waiting += 1
                    await go_on.wait()
                else:
                    polls += request.startswith(b"GET")
                await stream.send_all(answer(VIDEO if b"/slow/" not in request else b"{}"))

    async def ask(number: int) -> None:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(asking("GET", f"slow/{number}"))
            received = b"".join([piece async for piece in stream])
            answers.append(received)

    def asking(method: str, path: str) -> bytes:
        lines = (
            f"{method} /main/v1/{path} HTTP/1.1",
            *("host: localhost", "connection: close", f"authorization: Bearer {KEY}"),
        )
        return "\r\n".join((*lines, "", "")).encode()

    answers: list[bytes] = []
    async with world(tmp_path, api_key=KEY) as here, trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        gateway = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/v1"
        here.gateway(
            base_url=gateway,
            api_key=KEY,
            poll_interval="1s",
            min_poll_interval="1s",
            list_videos="never",
        )
        here.endpoint(await here.receiver())
        here.config["passthrough"] = {"listen": "127.0.0.1:0"}
        async with running(here.save()) as daemon:
            (line,) = daemon.logs("passing_through")
            port = int(str(line["at"]).rpartition(" ")[2])
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(asking("POST", "videos"))
                assert b"notifier-watch: added" in await stream.receive_some()
            open_files = Path(f"/proc/{daemon.process.pid}/fd")
            before = len(list(open_files.iterdir()))
            async with trio.open_nursery() as callers:
                for number in range(AT_ONCE):
                    callers.start_soon(ask, number)
                await eventually(lambda: waiting == AT_ONCE, "a thousand requests at the gateway")
                assert len(list(open_files.iterdir())) <= before + 2 * AT_ONCE + 20
                polled = polls
                await eventually(lambda: polls > polled, "a poll beside them")
                go_on.set()
            assert len(answers) == AT_ONCE
            assert all(each.startswith(b"HTTP/1.1 200") for each in answers)
            await eventually(
                lambda: len(list(open_files.iterdir())) <= before + 120,
                "the end of connections, but those that are kept for the next requests",
            )
        nursery.cancel_scope.cancel()
