"""`GET /v1/stream`: the feed as server-sent events (WHATWG HTML, section 9.2)."""

from dataclasses import dataclass
from http import HTTPStatus

import trio
from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from notifier.http_server.problem_document import problem
from notifier.page.feed import Feed, Message

_KEEP_ALIVE = 15.0
_LONGEST = 300.0
"""After so many seconds the client has to come again, and to show that it still may."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class Stream:
    """Sends what comes after the `Last-Event-ID`, or after the `after` of the query.

    `ready` has the position that a stream without one begins at. `reset` says that a position is
    not known any more: read everything again.
    """

    feed: Feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as an ASGI application; raises StoreError before the answer."""
        asked = QueryParams(scope["query_string"]).get("after", "")
        position = Headers(scope=scope).get("last-event-id", asked)
        with self.feed.followed() as has_room:
            if not has_room:
                detail = "too many streams are open"
                await problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)(scope, receive, send)
                return
            newest = await self.feed.position()
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_until_gone, receive, nursery.cancel_scope)
                with trio.move_on_after(_LONGEST):
                    await self._follow(position, newest, send)
                nursery.cancel_scope.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _follow(self, position: str, newest: str, send: Send) -> None:
        """Send what comes after `position`, for ever; without one, after the `newest`."""
        if not position:
            position = newest
            await _send_event(send, "ready", Message(newest, b"{}"))
        while True:
            messages = self.feed.after(position)
            if messages is None:
                position = await self.feed.position()
                await _send_event(send, "reset", Message(position, b"{}"))
            elif messages:
                for message in messages:
                    await _send_event(send, "changes", message)
                position = messages[-1].id
            else:
                await self._wait(send)

    async def _wait(self, send: Send) -> None:
        """Return when there may be a message, or after a comment that keeps the connection."""
        with trio.move_on_after(_KEEP_ALIVE):
            await self.feed.wait()
            return
        await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})


async def _send_event(send: Send, name: str, message: Message) -> None:
    lines = (b"event: ", name.encode(), b"\nid: ", message.id.encode(), b"\ndata: ", message.data)
    await send(
        {"type": "http.response.body", "body": b"".join((*lines, b"\n\n")), "more_body": True}
    )


async def _until_gone(receive: Receive, scope: trio.CancelScope) -> None:
    """Cancel `scope` when the client closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        continue
    scope.cancel()
