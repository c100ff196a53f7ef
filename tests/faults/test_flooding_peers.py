"""Peers that send as fast as they can: the cost is bounded, and no other task waits."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from math import inf
from typing import cast

import pytest
import trio

from notifier.errors import TransportError
from notifier.http_client import HttpRequest, open_client
from notifier.http_client.connection import Connection
from notifier.http_client.requests import Origin
from notifier.net import TcpStream

FLOODS = {
    "provisional answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "tiny chunks": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_is_cut_off_and_delays_no_other_task(flood: str) -> None:
    """CPU time of this thread is measured, so that a busy machine does not matter."""
    with flooding(*FLOODS[flood]) as url:
        async with open_client(4) as client, trio.open_nursery() as nursery:
            longest = await nursery.start(longest_turn)
            began = time.thread_time()
            with pytest.raises(TransportError) as raised:
                await client.send(
                    HttpRequest("POST", url, headers={}, deadline=60, max_body=65_536, body=b"{}")
                )
            spent = time.thread_time() - began
            nursery.cancel_scope.cancel()

    assert raised.value.kind == "too_large"
    assert longest[0] < 0.3
    assert spent < 5


class Endless:
    """The stream of a connection over which a flood comes; counts what was taken of it."""

    def __init__(self, first: bytes, again: bytes) -> None:
        self.taken = 0
        self._flood = itertools.chain([first] if first else [], itertools.repeat(again))

    async def send_all(self, _: bytes) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, _: int) -> bytes:
        await trio.lowlevel.checkpoint()
        piece = next(self._flood)
        self.taken += len(piece)
        return piece

    def close(self) -> None:
        pass


@pytest.mark.parametrize("flood", FLOODS)
async def test_of_a_flood_no_more_is_taken_than_an_answer_may_have_on_the_wire(flood: str) -> None:
    """Framing counts: a body of one byte a chunk is cut off long before its body is too large."""
    most = 100_000
    stream = Endless(*FLOODS[flood])
    connection = Connection(Origin("http", "x", 80), cast("TcpStream", stream), inf)
    with pytest.raises(TransportError) as raised:
        await read_all(connection, most)
    assert raised.value.kind == "too_large"
    assert stream.taken <= most + 1000


async def read_all(connection: Connection, most: int) -> None:
    await connection.send(b"GET / HTTP/1.1\r\n\r\n", most)
    while await connection.read():
        pass


async def longest_turn(*, task_status: trio.TaskStatus[list[float]]) -> None:
    """Keep the most CPU time that was used between two runs of this task."""
    longest = [0.0]
    task_status.started(longest)
    before = time.thread_time()
    while True:
        await trio.lowlevel.checkpoint()
        longest[0] = max(longest[0], time.thread_time() - before)
        before = time.thread_time()


@contextlib.contextmanager
def flooding(first: bytes, again: bytes) -> Iterator[str]:
    """Serve floods from a thread of their own; yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(60)
                    connection.recv(65_536)
                    connection.sendall(first)
                    while True:
                        connection.sendall(again * 2000)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            with contextlib.suppress(OSError):
                # wakes an accept that has no connection
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
