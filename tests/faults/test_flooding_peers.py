"""Peers that send as fast as they can: the cost is bounded, and no other task waits."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import trio

from notifier.errors import TransportError
from notifier.http_client import HttpRequest, open_client

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
