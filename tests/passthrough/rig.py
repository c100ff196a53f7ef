"""A relay on loopback, before a gateway whose every byte a test decides."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import trio

from notifier.config.bad_value import BadValueError
from notifier.control import listen_tcp
from notifier.errors import ConfigError, Problem, StoreError
from notifier.http_client import Route
from notifier.http_client.requests import Origin
from notifier.http_client.streaming import StreamClient
from notifier.http_server.asgi_server import AsgiServer, ServerOptions
from notifier.http_server.connection_limit import ConnectionLimit
from notifier.model.watch import Callback, WatchKey, WatchSpec
from notifier.passthrough import (
    Access,
    JobAnswer,
    Outcome,
    Relay,
    Upstream,
    WatchOrder,
    WatchWishes,
)

KEY = "sk-of-the-gateway"
TOKEN = "token-of-the-callers"
VIDEO = b'{"id":"video_1","object":"video","status":"queued"}'
PATIENCE = 20.0
IDLE = 1.0
"""How long a connection may be idle, in seconds: shorter than exchanges that tests make long."""
_LARGE = 100_000

Behave = Callable[[trio.SocketStream, bytes], Awaitable[None]]


def answer(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def created(body: bytes = VIDEO) -> Behave:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(answer(body))

    return behave


@dataclass
class FakeDaemon:
    """`Deps` with a store that a test decides about."""

    port: int
    scheme: str = "http"
    headers: Mapping[str, str] = field(default_factory=lambda: {"authorization": f"Bearer {KEY}"})
    query: str = ""
    callbacks: bool = False
    refused_urls: set[str] = field(default_factory=set)
    added: list[tuple[WatchOrder, str]] = field(default_factory=list)
    said: list[JobAnswer | None] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    store_fails: int = 0
    store_takes: float = 0
    readings: list[bytes] = field(default_factory=list)
    poll_after: float | None = None
    counted: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    request_timeout: float = 5.0
    removed: bool = False
    headers_readable: int | None = None
    """How often the secrets among the headers can still be read; None for ever."""

    def __post_init__(self) -> None:
        self.client = StreamClient.on(Route())

    def upstream(self, gateway: str) -> Upstream | None:
        if gateway != "main" or self.removed:
            return None
        return Upstream(
            "main",
            self.client,
            Origin(self.scheme, "127.0.0.1", self.port),
            "gateway.example",
            "/base/v1",
            self.query,
            self._read_headers,
            frozenset(self.headers),
            {},
            self.request_timeout,
        )

    def _read_headers(self) -> Mapping[str, str]:
        if self.headers_readable is not None:
            self.headers_readable -= 1
            if self.headers_readable < 0:
                raise BadValueError("the file of the key is gone")
        return self.headers

    def takes_callback_urls(self) -> bool:
        return self.callbacks

    def order(self, gateway: str, wishes: WatchWishes) -> WatchOrder:
        callback = None
        if wishes.callback_url is not None:
            if not self.callbacks or wishes.callback_url in self.refused_urls:
                raise ConfigError([Problem("watch", "callback_url", "is not allowed")])
            callback = Callback(wishes.callback_url, wishes.callback_endpoint or "app")
        spec = WatchSpec(WatchKey(gateway, "video"), wishes.endpoints, wishes.metadata)
        return WatchOrder(spec, callback)

    async def add(self, order: WatchOrder, video_id: str, said: JobAnswer | None) -> bool:
        await trio.sleep(self.store_takes)
        if self.removed:
            raise ConfigError([Problem("watch", "gateway", "is not configured")])
        if self.store_fails:
            self.store_fails -= 1
            raise StoreError("the disk is full")
        self.added.append((replace(order), video_id))
        self.said.append(said)
        return video_id not in self.known

    def count_request(self, gateway: str) -> None:
        assert gateway == "main"
        self.counted += 1

    def count_outcome(self, gateway: str, outcome: Outcome) -> None:
        assert gateway == "main"
        self.outcomes.append(outcome)

    def read_status(self, gateway: str, video_id: str, said: JobAnswer) -> float | None:
        assert (gateway, video_id, said.status) == ("main", "video_1", 200)
        assert said.headers["content-type"] == "application/json"
        self.readings.append(said.body)
        return self.poll_after


@dataclass
class Rig:
    """The relay, and what the gateway got."""

    relay: Relay
    daemon: FakeDaemon
    port: int
    behave: Behave
    got: list[bytes] = field(default_factory=list)
    gateway_saw_end: trio.Event = field(default_factory=trio.Event)
    opened: list[trio.SocketStream] = field(default_factory=list)
    serving: trio.CancelScope = field(default_factory=trio.CancelScope)

    def stop_serving(self) -> None:
        """End the relay's server, as the end of the daemon does."""
        self.serving.cancel()

    async def send(self, request: bytes) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.opened.append(stream)
        await stream.send_all(request)
        return stream

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return everything that comes until the connection ends."""
        stream = await self.send(request)
        with trio.fail_after(PATIENCE):
            received = b"".join([piece async for piece in stream])
        await stream.aclose()
        return received

    async def close(self) -> None:
        for stream in self.opened:
            await stream.aclose()

    async def post(self, *headers: str, body: bytes = b"{}", path: str = "videos") -> bytes:
        return await self.ask(post(*headers, body=body, path=path))


def post(*headers: str, body: bytes = b"{}", path: str = "videos", key: str | None = KEY) -> bytes:
    lines = [
        f"POST /main/v1/{path} HTTP/1.1",
        "host: 127.0.0.1",
        "connection: close",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *([] if key is None else [f"authorization: Bearer {key}"]),
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(target: str, *headers: str, method: str = "GET", key: str = KEY) -> bytes:
    lines = [
        f"{method} {target} HTTP/1.1",
        *(
            []
            if any(each.lower().startswith("host:") for each in headers)
            else ["host: localhost"]
        ),
        f"authorization: Bearer {key}",
        "connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def parts(received: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer, its chunks as they are."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body


def detail(received: bytes) -> str:
    return str(json.loads(parts(received)[2])["detail"])


@asynccontextmanager
async def rig(
    behave: Behave | None = None, *, open_to_all: bool = False, down: bool = False
) -> AsyncIterator[Rig]:
    """Serve a relay before a gateway that does what `behave` says with each request."""
    hosts = None if open_to_all else frozenset({"127.0.0.1", "localhost"})
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        sock = stack.enter_context(listen_tcp("127.0.0.1", 0))
        daemon = FakeDaemon(0)
        stack.callback(daemon.client.retire)
        relay = Relay(daemon, Access(lambda: TOKEN, hosts))
        here = Rig(relay, daemon, sock.getsockname()[1], behave or created())
        stack.push_async_callback(here.close)

        async def gateway(stream: trio.SocketStream) -> None:
            with trio.move_on_after(PATIENCE):
                try:
                    request = await _head(stream)
                    here.got.append(request)
                    number = len(here.got) - 1
                    request = here.got[number] = await _whole(stream, request)
                    await here.behave(stream, request)
                    await _until_end(stream)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    pass  # the latter by `behave` itself
                here.gateway_saw_end.set()

        listeners = await nursery.start(partial(trio.serve_tcp, gateway, 0, host="127.0.0.1"))
        daemon.port = 1 if down else listeners[0].socket.getsockname()[1]
        await nursery.start(relay.run)
        server = AsgiServer(relay, sock, ConnectionLimit(3000), ServerOptions(IDLE, dates=False))
        await nursery.start(_within, here.serving, server)
        yield here
        nursery.cancel_scope.cancel()


async def _within(
    scope: trio.CancelScope, server: AsgiServer, *, task_status: trio.TaskStatus[None]
) -> None:
    with scope:
        await server.run(task_status=task_status)


async def _head(stream: trio.SocketStream) -> bytes:
    """Return a request with what has come of its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = await stream.receive_some()
        if not piece:
            break
        received += piece
    return received


async def _whole(stream: trio.SocketStream, request: bytes) -> bytes:
    """Return a request with its body, unless that is a large one."""
    head, _, body = request.partition(b"\r\n\r\n")
    _, mark, rest = head.lower().partition(b"content-length: ")
    length = int(rest.partition(b"\r\n")[0]) if mark else 0
    while len(body) < length < _LARGE:
        piece = await stream.receive_some()
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


async def _until_end(stream: trio.SocketStream) -> None:
    while await stream.receive_some():
        pass
