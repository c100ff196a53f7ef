"""A TCP proxy on loopback: it delays what it passes on, or swallows it as a black hole does.

`python -m tests.tcp_proxy PORT --delay 0.0005` prints the port that it listens on.
"""

import argparse
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue

_CHUNK = 1 << 16


@dataclass
class Proxy:
    """Passes connections on to `target`, a port; each direction takes `delay` seconds.

    While `swallows` is set, everything is read and acknowledged, and nothing is passed on.
    `round_trips` counts how often something came from the client after an answer had reached it.
    With a delay that is how often it waited: it may send on while the server answers already.
    """

    target: int
    delay: float = 0.0
    swallows: bool = False
    round_trips: int = 0
    _was_answered: bool = True
    _listener: socket.socket = field(init=False)
    _sockets: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets.append(self._listener)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Stop listening and end all connections."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    near.close()
                    continue
                self._sockets.append(far)
                for one, other, is_answer in ((near, far, False), (far, near, True)):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._pass_on(one, other, is_answer=is_answer)

    def _pass_on(self, source: socket.socket, goal: socket.socket, *, is_answer: bool) -> None:
        chunks: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

        def read() -> None:
            data = b"-"
            while data:
                try:
                    data = source.recv(_CHUNK)
                except OSError:
                    data = b""
                if not is_answer:
                    self._count_request()
                if not data or not self.swallows:
                    chunks.put((time.monotonic() + self.delay, data))

        def write() -> None:
            with suppress(OSError):
                while True:
                    at, data = chunks.get()
                    time.sleep(max(at - time.monotonic(), 0.0))
                    if not data:
                        goal.shutdown(socket.SHUT_RDWR)
                        return
                    self._was_answered |= is_answer
                    goal.sendall(data)

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()

    def _count_request(self) -> None:
        self.round_trips += self._was_answered
        self._was_answered = False


def main() -> None:
    """Listen until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.tcp_proxy")
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0)
    given = parser.parse_args()
    print(Proxy(given.port, given.delay).port, flush=True)  # noqa: T201 - for who started it
    with suppress(EOFError):
        input()


if __name__ == "__main__":
    main()
