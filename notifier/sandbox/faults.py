"""Faults: ways to spoil a right answer on its way to the client.

Each kind is one function. It takes the answer and the wire, and returns what to send instead, or
misbehaves on the wire itself. Only status requests are spoiled, because a create that fails
tests no polling. Faults of lists alone are in `listing`.
"""

import gzip
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Self

import trio

from notifier.http_server import Response, Wire
from notifier.sandbox.listing import LIST_FAULTS
from notifier.sandbox.responses import refusal, wrong_key

_DRIP = 0.2
_SLOW = 10.0
_RETRY_AFTER = 10.0
_SPACES = b" " * 16_384


@dataclass(frozen=True, slots=True)
class FaultContext:
    """An answer that a fault applies to.

    `right` is the answer without the fault, `missing` the gateway's answer about an unknown
    video. The fault's own times are divided by `speed`.
    """

    right: Response
    missing: Response
    wire: Wire
    speed: float


async def _too_many(context: FaultContext) -> Response:
    answer = refusal(HTTPStatus.TOO_MANY_REQUESTS, "Rate limit reached.", "rate_limit_exceeded")
    wait = str(max(1, round(_RETRY_AFTER / context.speed)))
    return replace(answer, headers={**answer.headers, "retry-after": wait})


async def _crash(_struck: FaultContext) -> Response:
    message = "The server had an error while processing your request."
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, message)


async def _revoked(_struck: FaultContext) -> Response:
    return wrong_key()


async def _slow(context: FaultContext) -> Response:
    await trio.sleep(_SLOW / context.speed)
    return context.right


async def _drip(context: FaultContext) -> None:
    await context.wire.drip(context.right, _DRIP)


async def _hang(context: FaultContext) -> None:
    await context.wire.hang()


async def _reset(context: FaultContext) -> None:
    await context.wire.reset()


async def _endless(context: FaultContext) -> None:
    await context.wire.send_raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while True:
        await context.wire.send_raw(_SPACES)


async def _html(_struck: FaultContext) -> Response:
    page = b"<!doctype html><title>Down</title><h1>We will be back soon</h1>"
    return Response(HTTPStatus.OK, {"content-type": "text/html; charset=utf-8"}, page)


async def _broken_json(context: FaultContext) -> Response:
    return replace(context.right, body=context.right.body[: len(context.right.body) // 2])


async def _not_found(context: FaultContext) -> Response:
    return context.missing


async def _gzip(context: FaultContext) -> Response:
    headers = {**context.right.headers, "content-encoding": "gzip"}
    return replace(context.right, headers=headers, body=gzip.compress(context.right.body))


_FAULTS: Mapping[str, Callable[[FaultContext], Awaitable[Response | None]]] = {
    "429": _too_many,
    "500": _crash,
    "401": _revoked,
    "slow": _slow,
    "drip": _drip,
    "hang": _hang,
    "reset": _reset,
    "endless": _endless,
    "html": _html,
    "broken-json": _broken_json,
    "flaky-404": _not_found,
    "gzip": _gzip,
}

FAULT_KINDS = (*_FAULTS, *LIST_FAULTS)
"""Every kind of fault, by the word `--fault` takes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault and its probability; raises ValueError for impossible values."""

    kind: str
    probability: float = 0.3

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"no fault is called {self.kind!r}: use {', '.join(FAULT_KINDS)}")
        if not 0 <= self.probability <= 1:
            raise ValueError("a fault's probability is a number from 0 to 1")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `KIND` or `KIND:PROBABILITY`; raises ValueError with a sentence about it."""
        kind, colon, chance = text.partition(":")
        if not colon:
            return cls(kind)
        try:
            return cls(kind, float(chance))
        except ValueError as error:
            if chance and kind not in FAULT_KINDS:
                raise
            raise ValueError("a fault's probability is a number from 0 to 1") from error


async def apply_fault(kind: str, context: FaultContext) -> Response | None:
    """Apply a fault of `kind`; return None when it has answered on the wire itself."""
    return await _FAULTS[kind](context)
