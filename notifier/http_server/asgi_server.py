"""Serves ASGI applications with hypercorn, inside the daemon's own nursery.

Connections are accepted here and then handed to hypercorn, because it has no limit on them.
"""

import logging
import socket
from typing import NamedTuple, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState
from starlette.types import ASGIApp

from notifier import log
from notifier.http_server.client_stream import ClientStream
from notifier.http_server.connection_limit import ConnectionLimit
from notifier.http_server.conversation import Conversation
from notifier.net import TcpStream

CLIENT = "client"
"""The key in a request's `state` of its connection, a `ClientStream`."""


class ServerOptions(NamedTuple):
    """Limits in seconds, none of them on a whole request or answer, and who dates answers.

    `idle` is how long a connection may be without a request whose head has come whole, `write`
    how long 64 KiB of an answer may take. `dates` says whether answers get a Date header here.
    """

    idle: float = 10.0
    write: float = 30.0
    dates: bool = True


_USUAL = ServerOptions()


class AsgiServer:
    """Serves one application on one listening socket, within a limit that several may share."""

    def __init__(
        self,
        app: ASGIApp,
        sock: socket.socket,
        limit: ConnectionLimit,
        options: ServerOptions = _USUAL,
    ) -> None:
        # hypercorn describes ASGI's messages more narrowly than starlette does
        self._app = ASGIWrapper(cast("ASGIFramework", app))
        self._sock = sock
        self._limit = limit
        self._config = _settings(options)
        self._write_timeout = options.write
        self._context = WorkerContext(None)
        self._streams = set[ClientStream]()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then every connection is closed at once."""
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(self._sock.dup()))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._close_at_the_end)
            await nursery.start(trio.serve_listeners, self._serve, [listener])
            task_status.started()

    async def _serve(self, accepted: trio.SocketStream) -> None:
        """Serve one connection to its end, or close it where there is no room for it."""
        local = self._sock.family == socket.AF_UNIX
        with self._limit.admitted(local=local) as admitted:
            if not admitted:
                log.get().warning("connection_refused", open=self._limit.open)
                await accepted.aclose()
                return
            stream = ClientStream(_direct(accepted), self._write_timeout)
            self._streams.add(stream)
            try:
                await self._converse(stream)
            finally:
                self._streams.discard(stream)

    async def _converse(self, stream: ClientStream) -> None:
        state = ConnectionState({CLIENT: stream})
        conversation = Conversation(self._app, self._config, self._context, state, stream)
        try:
            await conversation.run()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client has gone
        except* Exception as errors:  # noqa: BLE001 - one connection must not end the daemon
            log.get().exception("connection_failed", exc_info=errors)
        finally:
            stream.abort()

    async def _close_at_the_end(self) -> None:
        """Close every connection when the server is cancelled, as hypercorn shields its writes."""
        try:
            await trio.sleep_forever()
        finally:
            for stream in self._streams:
                stream.abort()


def _direct(accepted: trio.SocketStream) -> TcpStream:
    """Return an accepted connection without trio's layers, which cost more than its calls."""
    connected = socket.socket(fileno=accepted.socket.detach())
    connected.settimeout(0)
    return TcpStream(connected)


def _settings(options: ServerOptions) -> Config:
    config = Config()
    # the daemon logs what it does; hypercorn's log would be a second one on stderr
    config.accesslog = None
    config.errorlog = _quiet_logger()
    config.include_server_header = False
    # a connection is idle from its start, and again after each answer, until a head is complete
    config.keep_alive_timeout = options.idle
    config.include_date_header = options.dates
    # an answer may take as long as it takes: nothing has to come from the client meanwhile
    config.read_timeout = None
    return config


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger("hypercorn.error")
    logger.setLevel(logging.WARNING)
    return logger
