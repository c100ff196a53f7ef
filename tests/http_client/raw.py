"""A raw server for answers that no HTTP library would send, byte by byte."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio
import trustme

from notifier.http_client import HttpRequest, HttpResponse, PeerClient, Route, open_client
from notifier.net import TlsMaterial

_HOST = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Answer = Callable[[trio.abc.Stream], Awaitable[None]]


class Server:
    """Counts connections; answers each request with the bytes `answer`, or by calling it."""

    def __init__(self, answer: Answer | bytes) -> None:
        self.connections = 0
        self.open = 0
        self.left = trio.Event()
        self.url = ""
        self.answer = answer

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        self.open += 1
        try:
            while await stream.receive_some():
                if isinstance(self.answer, bytes):
                    await stream.send_all(self.answer)
                else:
                    await self.answer(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
        finally:
            self.open -= 1
            self.left.set()

    async def has_at_most(self, connections: int) -> None:
        """Wait until at most so many connections are open."""
        with trio.fail_after(60):
            while self.open > connections:
                self.left = trio.Event()
                await self.left.wait()


@asynccontextmanager
async def serving(
    answer: Answer | bytes, in_flight: int = 4
) -> AsyncIterator[tuple[Server, PeerClient]]:
    """Serve on loopback, and open a client for it."""
    server = Server(answer)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host=_HOST))
        port = listener.socket.getsockname()[1]
        server.url = f"http://{_HOST}:{port}/"
        async with open_client(in_flight) as client:
            yield server, client
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def serving_tls(
    answer: Answer | bytes, ca_file: Path, in_flight: int = 4
) -> AsyncIterator[tuple[Server, PeerClient]]:
    """Serve over TLS, with a certificate of an authority that is written to `ca_file`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = Server(answer)
    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_ssl_over_tcp, server.serve, 0, context, host=_HOST)
        (listener,) = await nursery.start(serve)
        port = listener.transport_listener.socket.getsockname()[1]
        server.url = f"https://localhost:{port}/"
        async with open_client(
            in_flight, Route(tls=TlsMaterial(ca=ca_file.read_bytes()))
        ) as client:
            yield server, client
        nursery.cancel_scope.cancel()


async def get(client: PeerClient, server: Server, deadline: float = 60) -> HttpResponse:
    return await client.send(
        HttpRequest("GET", server.url, headers={}, deadline=deadline, max_body=100_000)
    )
