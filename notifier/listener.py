"""A local receiver that verifies signed events as a real one should, and can misbehave.

It counts deliveries by `webhook-id`, which is what a receiver deduplicates on. A second delivery
of an event that was already answered with 2xx is marked as a duplicate.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import trio

from notifier.http_server import Request, Response, Wire
from notifier.signing import SignatureError, verify

_MOST_REMEMBERED = 10_000
_SHOWN = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True)
class Received:
    """One POST that arrived.

    `at` is Unix seconds. `verified` is None when there was no key to check with; `reason` is
    why it is False. `attempt` counts from 1 for each `id`; `duplicate` is true when an earlier
    one was answered with 2xx. `event` is the decoded body, empty when it is no JSON object.
    `status` is the status of the answer.
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


@dataclass(slots=True)
class _Seen:
    attempts: int = 0
    accepted: bool = False


class Listener:
    """A receiver; `handle` is a `notifier.http_server` handler.

    `keys` are the decoded secrets; without any, nothing is verified. Each event is answered
    with 500 for its first `fail_first` attempts and with `respond` from then on, after `slow`
    seconds. `on_event` is called for every POST before it is answered. The oldest receipts are
    forgotten beyond 10,000.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        respond: int = HTTPStatus.NO_CONTENT,
        fail_first: int = 0,
        slow: float = 0.0,
        on_event: Callable[[Received], None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.received: list[Received] = []
        self._keys = tuple(keys)
        self._respond = respond
        self._fail_first = fail_first
        self._slow = slow
        self._on_event = on_event
        self._now = now
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def handle(self, request: Request, wire: Wire) -> Response | None:  # noqa: ARG002 - a Handler
        """Answer one request; anything but a POST is refused and not counted."""
        if request.method != "POST":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, {"allow": "POST"})
        received = self._take(request)
        self.received.append(received)
        del self.received[:-_MOST_REMEMBERED]
        if self._on_event is not None:
            self._on_event(received)
        if self._slow > 0:
            await trio.sleep(self._slow)
        return Response(received.status)

    def _take(self, request: Request) -> Received:
        now = self._now()
        verified, reason = self._verify(request, now)
        seen = self._count(request.headers.get("webhook-id", ""))
        duplicate = seen.accepted
        status = self._status(seen, verified=verified)
        seen.accepted |= HTTPStatus(200) <= status < HTTPStatus(300)
        return Received(
            at=now,
            verified=verified,
            reason=reason,
            id=request.headers.get("webhook-id", ""),
            attempt=seen.attempts,
            duplicate=duplicate,
            status=status,
            headers={name: request.headers[name] for name in _SHOWN if name in request.headers},
            body=request.body,
            event=_event(request.body),
        )

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
