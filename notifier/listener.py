"""A local receiver that verifies signed events as a real one should, and can misbehave.

It counts deliveries by `webhook-id`, which is what a receiver deduplicates on. A second delivery
of an event that was already answered with 2xx is marked as a duplicate.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Protocol

import trio

from notifier.http_server import Request, Response, Wire
from notifier.signing import SignatureError, verify

_MOST_REMEMBERED = 10_000
_SHOWN = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True)
class Received:
    """One POST that arrived.

    `at` is Unix seconds. `verified` is None when there was no key to check with, and `reason`
    says why it is False. `attempt` counts from 1 for each `id`; `duplicate` tells that an
    earlier one was already answered with 2xx. `event` is the decoded body, empty when it is
    no JSON object. `status` is what is answered. `method` and `target` are the request's.
    `trouble` says why it could not be passed on; `answer` is the body that a receiver it was
    passed on to answered with.
    """

    at: float
    verified: bool | None
    reason: str
    id: str
    attempt: int
    duplicate: bool
    status: int
    headers: Mapping[str, str]
    body: bytes
    event: Mapping[str, Any] = field(default_factory=dict)
    method: str = "POST"
    target: str = "/"
    trouble: str = ""
    answer: bytes = b""

    @property
    def type(self) -> str:
        """The event's type, empty when it has none."""
        return str(self.event.get("type", ""))

    @property
    def data(self) -> Mapping[str, Any]:
        """The event's `data`, empty when it has none."""
        data = self.event.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def video_id(self) -> str:
        """The id of the video that the event is about, empty when it is about none."""
        return str(self.data.get("id", ""))


class Answer(Protocol):
    """What came back for a request that was passed on."""

    @property
    def answer(self) -> Response:
        """What the sender gets."""

    @property
    def trouble(self) -> str:
        """Why the receiver could not be asked; empty when it answered."""


Forward = Callable[[Request], Awaitable[Answer]]
"""Passes a request on to a receiver."""


@dataclass(slots=True)
class _Seen:
    attempts: int = 0
    accepted: bool = False


class Listener:
    """A receiver; `handle` is a `notifier.http_server` handler.

    `keys` are the decoded secrets, none of them meaning that nothing is verified. Each event
    is answered with 500 for its first `fail_first` attempts and with `respond` from then on,
    after `slow` seconds. `on_event` is called with every POST before it is answered. The oldest
    receipts are forgotten beyond 10,000.

    With `forward` every request, whatever its method and its signature, is passed on, after
    `slow` seconds, and the answer is the receiver's; `on_event` is called once that is there.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        respond: int = HTTPStatus.NO_CONTENT,
        fail_first: int = 0,
        slow: float = 0.0,
        on_event: Callable[[Received], None] | None = None,
        forward: Forward | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.received: list[Received] = []
        self._keys = tuple(keys)
        self._respond = respond
        self._fail_first = fail_first
        self._slow = slow
        self._on_event = on_event
        self._forward = forward
        self._now = now
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def handle(self, request: Request, wire: Wire) -> Response | None:  # noqa: ARG002 - a Handler
        """Take one request; without `forward` only a POST is, and others are not counted."""
        if self._forward is not None:
            return await self._pass_on(request, self._forward)
        if request.method != "POST":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, {"allow": "POST"})
        received, seen = self._take(request)
        self._keep(received, seen)
        if self._slow > 0:
            await trio.sleep(self._slow)
        return Response(received.status)

    async def _pass_on(self, request: Request, forward: Forward) -> Response:
        received, seen = self._take(request)
        if self._slow > 0:
            await trio.sleep(self._slow)
        came = await forward(request)
        answer = came.answer
        told = replace(received, status=answer.status, trouble=came.trouble, answer=answer.body)
        self._keep(told, seen)
        return answer

    def _keep(self, received: Received, seen: _Seen) -> None:
        seen.accepted |= HTTPStatus(200) <= received.status < HTTPStatus(300)
        self.received.append(received)
        del self.received[:-_MOST_REMEMBERED]
        if self._on_event is not None:
            self._on_event(received)

    def _take(self, request: Request) -> tuple[Received, _Seen]:
        now = self._now()
        verified, reason = self._verify(request, now)
        seen = self._count(request.headers.get("webhook-id", ""))
        received = Received(
            at=now,
            verified=verified,
            reason=reason,
            id=request.headers.get("webhook-id", ""),
            attempt=seen.attempts,
            duplicate=seen.accepted,
            status=self._status(seen, verified=verified),
            headers={name: request.headers[name] for name in _SHOWN if name in request.headers},
            body=request.body,
            event=_event(request.body),
            method=request.method,
            target=request.target,
        )
        return received, seen

    def _verify(self, request: Request, now: float) -> tuple[bool | None, str]:
        if not self._keys:
            return None, ""
        try:
            verify(self._keys, request.headers, request.body, now)
        except SignatureError as error:
            return False, str(error)
        return True, ""

    def _status(self, seen: _Seen, *, verified: bool | None) -> int:
        if verified is False:
            return HTTPStatus.UNAUTHORIZED
        if seen.attempts <= self._fail_first:
            return HTTPStatus.INTERNAL_SERVER_ERROR
        return self._respond

    def _count(self, message_id: str) -> _Seen:
        if not message_id:
            return _Seen(attempts=1)
        seen = self._seen.setdefault(message_id, _Seen())
        self._seen.move_to_end(message_id)
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)
        seen.attempts += 1
        return seen


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
