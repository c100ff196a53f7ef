"""Connections that are kept for the next request, the latest first.

Everything costs the same however many there are. There is no queue in here: who may ask is
decided outside, and a connection that is in use is nobody's business but its user's.
"""

from collections import deque

import trio

from notifier.exchange.connection import Connection
from notifier.exchange.requests import Origin


class Pool:
    """Keeps up to `most` idle connections per origin, each for `expiry` seconds at most."""

    def __init__(self, most: int, expiry: float) -> None:
        self._most = most
        self._expiry = expiry
        self._idle: dict[Origin, deque[tuple[Connection, float]]] = {}

    def take(self, origin: Origin) -> Connection | None:
        """Return an idle connection that the server has not closed, None if there is none."""
        idle = self._idle.get(origin)
        while idle:
            connection, since = idle.pop()
            if trio.current_time() - since < self._expiry and not connection.is_stale():
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """Take a connection back: to keep if it can be used again, else to close."""
        if not connection.reusable:
            connection.close()
            return
        idle = self._idle.setdefault(connection.origin, deque())
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
