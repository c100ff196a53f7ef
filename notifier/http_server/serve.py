"""The server's loop: accepts connections, reads requests, calls the handler, sends its answers.

One task per connection. A client that disappears ends its own connection and nothing else; a
handler that raises is logged and answered with 500. Cancelling `serve` closes everything.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

import trio

from notifier import log
from notifier.http_server.messages import Request, Response, json_response
from notifier.http_server.wire import RefusedError, Wire

Handler = Callable[[Request, Wire], Awaitable[Response | None]]
"""Answers one request; returns None when it has answered, or misbehaved, on the wire itself."""

_IDLE = 120.0
_CLOSING = {"connection": "close"}


async def serve(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; `task_status` gets the port, which matters when `port` is 0.

    Raises OSError when the address cannot be listened on (in use, not local, no such host).
    """
    listeners = await trio.open_tcp_listeners(port, host=host)
    if port == 0:
        # a name with two addresses would get a different free port for each
        for extra in listeners[1:]:
            await extra.aclose()
        listeners = listeners[:1]
    bound: int = listeners[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, partial(_serve_connection, handler), listeners)
        task_status.started(bound)


async def _serve_connection(handler: Handler, stream: trio.SocketStream) -> None:
    wire = Wire(stream)
    async with stream:
        try:
            while await _serve_one(handler, wire):
                pass
            await wire.finish()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # the client went away, or the handler reset the connection
            return


async def _serve_one(handler: Handler, wire: Wire) -> bool:
    """Serve one request; return whether another one may follow."""
    try:
        with trio.move_on_after(_IDLE) as idle:
            request = await wire.receive()
    except RefusedError as refused:
        if wire.unanswered:
            error = {"error": {"message": f"malformed request: {refused}"}}
            await wire.send(json_response(error, refused.status, _CLOSING))
        return False
    if idle.cancelled_caught or request is None:
        return False
    await _answer(handler, request, wire)
    return wire.reusable


async def _answer(handler: Handler, request: Request, wire: Wire) -> None:
    try:
        response = await handler(request, wire)
        if response is not None:
            await wire.send(response)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        raise
    except Exception:  # noqa: BLE001 - one bad request must not end the server
        log.get().exception("handler_crashed", method=request.method)
        if wire.unanswered:
            error = {"error": {"message": "the handler crashed"}}
            await wire.send(json_response(error, HTTPStatus.INTERNAL_SERVER_ERROR, _CLOSING))
