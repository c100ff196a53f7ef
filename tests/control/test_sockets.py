"""The listening sockets: many may connect at once."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from notifier.control import listen_tcp, listen_unix

AT_ONCE = 500
SOON = 5.0


@pytest.fixture(params=["TCP", "Unix"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with tempfile.TemporaryDirectory(prefix="n", dir="/tmp") as folder:
        tcp = request.param == "TCP"
        with listen_tcp("127.0.0.1", 0) if tcp else listen_unix(Path(folder, "s")) as sock:
            yield sock


@pytest.mark.usefixtures("many_files")
def test_clients_that_connect_at_once_are_kept_while_the_daemon_is_busy(
    listener: socket.socket,
) -> None:
    with ExitStack() as connected:
        for number in range(AT_ONCE):
            client = connected.enter_context(socket.socket(listener.family))
            client.settimeout(SOON)
            client.connect(listener.getsockname())
            client.sendall(str(number).encode())
        assert {said_by_next(listener) for _ in range(AT_ONCE)} == set(range(AT_ONCE))


def said_by_next(listener: socket.socket) -> int:
    listener.settimeout(SOON)
    with listener.accept()[0] as accepted:
        return int(accepted.recv(10))
