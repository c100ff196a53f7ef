"""Peers over TLS that demand a client's certificate, each of authorities of its own."""

import json
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio
import trustme

MOVING = "moving.example"
"""A name that the certificate of every peer holds, beside localhost."""

_ANSWER = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
_PEER_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class SecurePeer(ABC):
    """What serves TLS, and knows which files its clients need."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.clients = trustme.CA()
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost", MOVING).configure_cert(context)
        self.clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def write_files(self, folder: Path, name: str) -> dict[str, str]:
        """Write a new client certificate, and the CA, to files; return their settings.

        Each file is replaced in one step.
        """
        identity = self.clients.issue_cert("notifier")
        contents = {
            "ca_file": (f"{name}-ca.pem", self.authority.cert_pem),
            "client_cert": (f"{name}-client.pem", identity.private_key_and_cert_chain_pem),
        }
        for file, pem in contents.values():
            written = folder / f"{file}.new"
            pem.write_to_path(str(written))
            written.chmod(0o600)
            written.rename(folder / file)
        return {key: file for key, (file, _) in contents.items()}

    @abstractmethod
    async def handle(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""

    async def handle_quietly(self, stream: trio.abc.Stream) -> None:
        try:
            await self.handle(stream)
        except _PEER_GONE:
            return  # a handshake that one of the two refuses, or an idle connection's end


class SecureReceiver(SecurePeer):
    """Takes every event; `got` are the ids of their videos."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[str] = []

    async def handle(self, stream: trio.abc.Stream) -> None:
        received = b""
        while data := await stream.receive_some():
            received += data
            head, complete, body = received.partition(b"\r\n\r\n")
            if complete and len(body) >= _length(head):
                self.got.append(json.loads(body)["data"]["id"])
                received = b""
                await stream.send_all(_ANSWER)


class SecureFront(SecurePeer):
    """Passes what it gets to a port of this machine; `connections` counts the handshakes."""

    def __init__(self, behind: int) -> None:
        super().__init__()
        self._behind = behind
        self.connections = 0

    async def handle(self, stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.SSLStream)
        await stream.do_handshake()
        self.connections += 1
        behind = await trio.open_tcp_stream("127.0.0.1", self._behind)
        async with behind, trio.open_nursery() as nursery:
            nursery.start_soon(_pass_on, stream, behind, nursery.cancel_scope)
            nursery.start_soon(_pass_on, behind, stream, nursery.cancel_scope)


async def _pass_on(
    source: trio.abc.Stream, target: trio.abc.Stream, over: trio.CancelScope
) -> None:
    try:
        while data := await source.receive_some():
            await target.send_all(data)
    except _PEER_GONE:
        pass
    over.cancel()


def _length(head: bytes) -> int:
    (line,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    return int(line.partition(b":")[2])


@asynccontextmanager
async def serving(peer: SecurePeer, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[None]:
    """Serve on `host`, and set the peer's port."""
    async with trio.open_nursery() as nursery:
        serve = partial(
            trio.serve_ssl_over_tcp, peer.handle_quietly, port, peer.context(), host=host
        )
        (listener,) = await nursery.start(serve)
        peer.port = listener.transport_listener.socket.getsockname()[1]
        yield
        nursery.cancel_scope.cancel()
