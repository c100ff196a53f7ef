"""Connections that are kept for the next request, the latest first.

Everything costs the same however many there are. There is no queue in here: who may ask is
decided outside, and a connection that is in use is nobody's business but its user's.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import trio

from notifier.exchange.connection import Connection


class Origin(NamedTuple):
    """Where a connection leads to."""

    scheme: str
    host: str
    port: int


class Pool:
    """Keeps up to `most` idle connections per origin, each for `expiry` seconds at most."""

    def __init__(
        self, connect: Callable[[Origin], Awaitable[Connection]], most: int, expiry: float
    ) -> None:
        self._connect = connect
        self._most = most
        self._expiry = expiry
        self._idle: dict[Origin, deque[tuple[Connection, float]]] = {}

    async def take(self, origin: Origin) -> Connection:
        """Return an idle connection that the server has not closed, or a new one."""
        idle = self._idle.get(origin, deque())
        while idle:
            connection, since = idle.pop()
            if trio.current_time() - since < self._expiry and not connection.is_stale():
                return connection
            connection.close()
        return await self._connect(origin)

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Take a connection back: to keep if it can be used again, else to close."""
        if not connection.reusable:
            connection.close()
            return
        idle = self._idle.setdefault(origin, deque())
        now = trio.current_time()
        idle.append((connection, now))
        while len(idle) > self._most or now - idle[0][1] >= self._expiry:
            idle.popleft()[0].close()

    def close(self) -> None:
        """Close everything that is idle."""
        for idle in self._idle.values():
            for connection, _ in idle:
                connection.close()
        self._idle.clear()
