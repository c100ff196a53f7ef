"""How much memory large bodies take: `python -m tests.passthrough.large_bodies --mib 2048`.

A daemon, run as a process, passes a body of that size up and one down, the latter to a caller that
reads nothing for a while. Its peak of resident memory may grow by 32 MiB, whatever the size.
"""

import argparse
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from tests.process.harness import Daemon, running, world

MOST_GROWTH = 32 << 20
"""The most by which the peak of resident memory may grow, in bytes."""

_MIB = 1 << 20
_PAUSE = 1.0
_KEY = "sk-of-the-gateway-0123456789"


@dataclass
class Relayed:
    """A daemon before a gateway that sends and takes bodies of any size."""

    daemon: Daemon
    port: int

    def peak(self) -> int:
        """Return the daemon's peak of resident memory so far, in bytes."""
        status = Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    async def download(self, size: int) -> int:
        """Read a body of `size` bytes, slowly at first; return how many came."""
        async with await self._asking("GET", f"bodies/{size}", 0) as stream:
            await trio.sleep(_PAUSE if size > _MIB else 0)
            received = await _head(stream)
            length = len(received.partition(b"\r\n\r\n")[2])
            while piece := await stream.receive_some(_MIB):
                length += len(piece)
            return length

    async def upload(self, size: int) -> int:
        """Send a body of `size` bytes; return how many the gateway says it got."""
        async with await self._asking("POST", "bodies", size) as stream:
            for _ in range(size // _MIB):
                await stream.send_all(bytes(_MIB))
            answer = b"".join([piece async for piece in stream])
            return int(answer.rpartition(b"\r\n\r\n")[2])

    async def _asking(self, method: str, path: str, length: int) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        head = f"{method} /main/v1/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        await stream.send_all(f"{head}content-length: {length}\r\n\r\n".encode())
        return stream


@asynccontextmanager
async def relayed(folder: Path) -> AsyncIterator[Relayed]:
    """Run the daemon and its gateway."""
    async with world(folder, api_key=_KEY) as here, trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, _serve, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        here.gateway(base_url=f"http://127.0.0.1:{port}/v1", api_key=_KEY)
        here.endpoint(await here.receiver())
        here.config["passthrough"] = {"listen": "127.0.0.1:0"}
        async with running(here.save()) as daemon:
            (line,) = daemon.logs("passing_through")
            yield Relayed(daemon, int(str(line["at"]).rpartition(" ")[2]))
        nursery.cancel_scope.cancel()


async def grown_by(here: Relayed, size: int) -> int:
    """Pass `size` bytes up and down; return by how many bytes the peak of memory grew."""
    for warm_up in (here.upload, here.download):
        await warm_up(_MIB)
    before = here.peak()
    assert await here.upload(size) == size
    assert await here.download(size) == size
    return here.peak() - before


async def _serve(stream: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):  # the relay has gone
        await _answer(stream, await _head(stream))
    await stream.aclose()


async def _answer(stream: trio.SocketStream, received: bytes) -> None:
    head, _, body = received.partition(b"\r\n\r\n")
    method, target, *_ = head.split()
    if method == b"GET":
        size = int(target.rpartition(b"/")[2])
        await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(size // _MIB):
            await stream.send_all(bytes(_MIB))
        return
    size = int(head.lower().partition(b"content-length: ")[2].split()[0])
    length = len(body)
    while length < size:
        length += len(await stream.receive_some(_MIB))
    text = str(length).encode()
    await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text)


async def _head(stream: trio.SocketStream) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = await stream.receive_some(_MIB)
        if not piece:
            raise trio.BrokenResourceError("it ended")
        received += piece
    return received


async def _measure(size: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with relayed(Path(folder)) as here:
            return await grown_by(here, size)


def main() -> int:
    """Measure and print; exit 1 if memory grew by too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=2048, help="size of each body")
    size = parser.parse_args().mib * _MIB
    grown = trio.run(_measure, size)
    print(f"{size >> 20} MiB up and down: the peak of memory grew by {grown / _MIB:.1f} MiB")  # noqa: T201 - the command's output
    return int(grown > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
