"""The ASGI application that uvicorn and hypercorn serve."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

Headers = list[tuple[bytes, bytes]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by the path."""
    if scope["type"] != "http":
        message = await receive()
        while message["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
            message = await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    path = scope["path"].strip("/")
    if path == "chunks":
        await _chunks(send)
    elif path == "upload":
        size = await _uploaded(receive)
        await _say(send, 200, str(size).encode())
    elif path == "refused":
        await _say(send, 413, b"too large", [(b"connection", b"close")])
    else:
        await _say(send, *_ANSWERS[path](scope))


async def _say(send: Send, status: int, body: bytes = b"", headers: Headers | None = None) -> None:
    headers = list(headers or [])
    if status not in {204, 304} and (b"x-no-length", b"1") not in headers:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _chunks(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(1000):
        chunk = {"type": "http.response.body", "body": b"%d," % number, "more_body": True}
        await send(chunk)
        if number % 100 == 0:
            await asyncio.sleep(0.001)
    await send({"type": "http.response.body", "body": b"end"})


async def _uploaded(receive: Receive) -> int:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            return size


def _request(scope: Scope) -> tuple[int, bytes]:
    said = {
        "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "peer": scope["client"][1],
        "version": scope["http_version"],
    }
    return 200, json.dumps(said).encode()


_MANY = [(b"x-number-%d" % number, b"%d" % number) for number in range(90)]

_ANSWERS: Mapping[str, Callable[[Scope], tuple[Any, ...]]] = {
    "request": _request,
    "length": lambda _: (200, b"hello"),
    "empty": lambda _: (200, b""),
    "nothing": lambda _: (204,),
    "unchanged": lambda _: (304, b"", [(b"etag", b'"1"')]),
    "odd": lambda _: (299, b"odd"),
    "overloaded": lambda _: (599, b"overloaded"),
    "elsewhere": lambda _: (302, b"", [(b"location", b"/length")]),
    "cookie": lambda _: (200, b"", [(b"set-cookie", b"a=1; Path=/")]),
    "last": lambda _: (200, b"bye", [(b"connection", b"close")]),
    "many": lambda _: (200, b"", _MANY),
    "large": lambda _: (200, b"", [(b"x-large", b"x" * 30_000)]),
    "too-large": lambda _: (200, b"", [(b"x-large", b"x" * 100_000)]),
}
