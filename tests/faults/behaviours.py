"""Receivers that misbehave: each function treats a request that was read already."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from notifier.http_server import Request, Response, Wire
from tests.process.harness import Got, Receiver

Behaviour = Callable[[Request, Wire], Awaitable[Response | None]]

_OK = b"HTTP/1.1 200 OK\r\n"
_SECOND = 1.0


async def accepting(_request: Request, _wire: Wire) -> Response:
    return Response(204)


async def like_a_black_hole(_request: Request, wire: Wire) -> None:
    await wire.hang()


async def dripping(_request: Request, wire: Wire) -> None:
    await wire.drip(Response(200, {}, b"x" * 1000), _SECOND)


async def dripping_from_the_first_byte(_request: Request, wire: Wire) -> None:
    for byte in _OK * 100:
        await wire.send_raw(bytes([byte]))
        await trio.sleep(_SECOND)


async def without_end(_request: Request, wire: Wire) -> None:
    await _repeating(wire, _OK + b"\r\n", b"x" * 10_000)


async def in_chunks_without_end(_request: Request, wire: Wire) -> None:
    head = _OK + b"transfer-encoding: chunked\r\n\r\n"
    await _repeating(wire, head, b"1\r\nx\r\n" * 1000)


async def with_headers_without_end(_request: Request, wire: Wire) -> None:
    await _repeating(wire, _OK, b"x-more: and more\r\n" * 500)


async def flooding_with_provisional_answers(_request: Request, wire: Wire) -> None:
    await _repeating(wire, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500)


async def with_a_provisional_answer_now_and_then(_request: Request, wire: Wire) -> None:
    while True:
        await wire.send_raw(b"HTTP/1.1 102 Processing\r\n\r\n")
        await trio.sleep(0.05)


async def resetting_after_processing(_request: Request, wire: Wire) -> None:
    await wire.reset()


async def hanging_up_in_the_middle(_request: Request, wire: Wire) -> None:
    await wire.send_raw(_OK + b"content-length: 100\r\n\r\nhalf")


async def talking_nonsense(_request: Request, wire: Wire) -> None:
    await wire.send_raw(b"220 mail.example.com ESMTP\r\n")


def answering(status: int, **headers: str) -> Behaviour:
    """Return the behaviour that always gives one answer; `_` in a name stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_request: Request, _wire: Wire) -> Response:
        return Response(status, named)

    return answer


@dataclass
class MisbehavingReceiver(Receiver):
    """Records every POST and treats it with `behaviour`; from the n-th on it answers 204."""

    behaviour: Behaviour = accepting
    well_behaved_from: float = float("inf")

    async def handle(self, request: Request, wire: Wire) -> Response | None:
        self.got.append(Got(request.headers, request.body, time.time()))
        behaviour = accepting if len(self.got) >= self.well_behaved_from else self.behaviour
        return await behaviour(request, wire)


async def _repeating(wire: Wire, first: bytes, again: bytes) -> None:
    await wire.send_raw(first)
    while True:
        await wire.send_raw(again)
