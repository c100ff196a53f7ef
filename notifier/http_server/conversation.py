"""One client's connection, as hypercorn serves it, with fewer turns of the event loop.

hypercorn starts a task whenever a connection becomes idle and cancels it when a request comes. It
takes a lock, and so a turn of the loop, for each part of an answer, empty ones included. Together
that costs as much as the rest of relaying a small request.
"""

from collections.abc import Awaitable, Callable
from math import inf

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import TrioSingleTask, WorkerContext
from hypercorn.typing import ConnectionState, TaskGroup

from notifier.http_server.client_stream import ClientStream


class Conversation(TCPServer):
    """Serves one connection; `run` it once."""

    def __init__(
        self,
        app: ASGIWrapper,
        config: Config,
        context: WorkerContext,
        state: ConnectionState,
        stream: ClientStream,
    ) -> None:
        # hypercorn's annotation names the TLS stream alone; it takes any with a `socket`
        super().__init__(app, config, context, state, stream)  # type: ignore[arg-type]
        self.idle_task = self._timer = IdleTimer(config.keep_alive_timeout)

    async def protocol_send(self, event: Event) -> None:
        """Send a part of an answer, or take in what has become of the connection."""
        if not isinstance(event, RawData):
            await super().protocol_send(event)
        elif event.data:
            if self.send_lock.locked():
                await self.send_lock.acquire()
            else:
                self.send_lock.acquire_nowait()
            try:
                await self._write(event.data)
            finally:
                self.send_lock.release()

    async def _write(self, data: bytes) -> None:
        try:
            with trio.CancelScope(shield=True):
                await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self.protocol.handle(Closed())

    async def _read_data(self) -> None:
        try:
            await super()._read_data()
        finally:
            self._timer.end()

    async def _idle_timeout(self) -> None:
        """Close the connection, as it has been idle for long."""
        with trio.CancelScope(shield=True):
            await self._initiate_server_close()


class IdleTimer(TrioSingleTask):
    """Calls its action when a connection has been idle for `limit` seconds, from a single task."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self._limit = limit
        self._waiting: trio.CancelScope | None = None
        self._ended = False

    async def restart(self, task_group: TaskGroup, action: Callable[[], Awaitable[None]]) -> None:
        """Begin to count: the connection is idle from now on."""
        if self._waiting is None:
            self._waiting = trio.CancelScope()
            task_group.spawn(self._wait, action)
        self._waiting.deadline = trio.current_time() + self._limit

    async def stop(self) -> None:
        """Stop counting: a request has come."""
        if self._waiting is not None:
            self._waiting.deadline = inf

    def end(self) -> None:
        """End the task: there is no connection any more."""
        self._ended = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def _wait(self, action: Callable[[], Awaitable[None]]) -> None:
        assert self._waiting is not None  # noqa: S101 - `restart` has made it
        while True:
            with self._waiting:
                await trio.sleep_forever()
            # what came while the process stood still is read in this turn of the event loop
            await trio.lowlevel.checkpoint()
            if self._ended:
                return
            if self._waiting.deadline <= trio.current_time():
                break
            # a request came as the time was over
            self._waiting = trio.CancelScope(deadline=self._waiting.deadline)
        await action()
