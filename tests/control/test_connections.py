"""Clients that connect and do nothing, or do it slowly, keep nobody from anything."""

import resource
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from starlette.types import Message, Receive, Scope, Send

from notifier.control import Guard
from notifier.http_server.asgi_server import AsgiServer
from notifier.http_server.client_stream import ClientStream
from notifier.http_server.connection_limit import ConnectionLimit
from notifier.net import TcpStream
from tests.control.client import serving
from tests.faults.jobs import begin, finish
from tests.process.harness import PATIENCE, notifier, world

_HALF = b"POST /v1/watches HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def descriptors(soft: int) -> Iterator[None]:
    """Set this process's limit for a block; what it starts inherits the limit."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


async def test_events_arrive_and_commands_work_beside_1100_half_open_connections(
    tmp_path: Path,
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip("this machine allows a process fewer than 4,096 descriptors")
    async with world(tmp_path) as w, AsyncExitStack() as held:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        with descriptors(1024):  # as most shells and systemd start a process
            api = await held.enter_async_context(serving(w))
        held.enter_context(descriptors(4096))
        for _ in range(1100):
            client = await trio.open_tcp_stream("127.0.0.1", api.port)
            stream = await held.enter_async_context(client)
            await stream.send_all(_HALF)
        finish(w, "job")
        await app.wait_for(1)
        done = await notifier("status", "-c", w.config_path)
        assert done.returncode == 0, done.stderr
        await api.daemon.wait_for_log("connection_refused")


async def test_the_daemon_ends_although_a_client_reads_none_of_its_answers(tmp_path: Path) -> None:
    async with world(tmp_path) as w, serving(w) as api:
        client = await trio.open_tcp_stream("127.0.0.1", api.port)
        async with client:
            with trio.move_on_after(1):  # the daemon takes no more once it cannot write
                for _ in range(10_000):
                    await client.send_all(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert await api.daemon.end() == 0


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


async def refuse(_: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("no request was complete")


async def test_a_connection_without_a_whole_request_is_closed_after_ten_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    autojump_clock.autojump_threshold = 0.05  # loopback needs a moment of real time
    with listening() as sock:
        async with trio.open_nursery() as nursery:
            await nursery.start(AsgiServer(refuse, sock, ConnectionLimit(16)).run)
            began = trio.current_time()
            async with await trio.open_tcp_stream(*sock.getsockname()) as client:
                await client.send_all(_HALF)
                assert await client.receive_some() == b""
            assert trio.current_time() - began == pytest.approx(10, abs=0.1)
            nursery.cancel_scope.cancel()


async def test_an_answer_may_be_silent_for_longer_than_any_limit(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def app(_: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"first ", b"last"):
            await trio.sleep(300)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    autojump_clock.autojump_threshold = 0.05
    with listening() as sock:
        async with trio.open_nursery() as nursery:
            await nursery.start(AsgiServer(app, sock, ConnectionLimit(16)).run)
            async with await trio.open_tcp_stream(*sock.getsockname()) as client:
                await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answer = b"".join([bytes(piece) async for piece in client])
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"first " in answer
            assert b"last" in answer
            nursery.cancel_scope.cancel()


async def test_a_client_that_goes_away_ends_the_answer_to_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    noticed = trio.Event()

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] != "http.disconnect":
            pass
        noticed.set()

    autojump_clock.autojump_threshold = 0.05
    limit = ConnectionLimit(16)
    with listening() as sock:
        async with trio.open_nursery() as nursery:
            await nursery.start(AsgiServer(app, sock, limit).run)
            async with await trio.open_tcp_stream(*sock.getsockname()) as client:
                await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                await trio.testing.wait_all_tasks_blocked(0.05)
            with trio.fail_after(5):
                await noticed.wait()
                await trio.testing.wait_all_tasks_blocked(0.05)
            assert limit.open == 0
            nursery.cancel_scope.cancel()


async def test_a_body_that_does_not_come_is_answered_with_408(
    autojump_clock: trio.testing.MockClock,
) -> None:
    sent: list[Message] = []

    async def reads_the_body(_: Scope, receive: Receive, _send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def dripping() -> Message:
        await trio.sleep(1)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    began = trio.current_time()
    scope = {"type": "http", "path": "/v1/watches", "headers": [], "method": "POST"}
    await Guard(reads_the_body)(scope, dripping, send)
    assert sent[0]["status"] == 408
    assert trio.current_time() - began == pytest.approx(30)


async def test_a_client_that_does_not_read_is_given_up() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    with theirs:
        stream = ClientStream(TcpStream(ours), write_timeout=0.05)
        with trio.fail_after(PATIENCE), pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"x" * 50_000_000)
        assert ours.fileno() == -1


def test_the_last_eighth_of_the_room_is_for_the_unix_socket() -> None:
    limit = ConnectionLimit(16)
    with ExitStack() as held:
        remote = [held.enter_context(limit.admitted(local=False)) for _ in range(15)]
        assert remote == [True] * 14 + [False]
        local = [held.enter_context(limit.admitted(local=True)) for _ in range(3)]
        assert local == [True, True, False]
    assert limit.open == 0


@pytest.mark.parametrize(("soft", "most"), [(40, 16), (256, 64), (1024, 256), (4096, 1024)])
def test_connections_may_take_a_quarter_of_the_descriptors(
    soft: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert ConnectionLimit.of_process().most == most
