"""Idle connections, kept for the next request; the most recently used one is reused first.

Every operation takes constant time. There is no queue in here: `PeerClient` limits how many
requests are in flight, and the pool does not know the connections that are in use.
"""

import math
from collections import OrderedDict, deque
from typing import Generic, Protocol, TypeVar

import trio

from notifier.http_client.requests import Origin


class Poolable(Protocol):
    """What the pool needs of a connection, which begins no exchange after `ends_at`."""

    origin: Origin
    ends_at: float

    @property
    def reusable(self) -> bool:
        """Whether the exchange is over and another may follow."""

    def is_stale(self) -> bool:
        """Tell whether the server has closed an idle connection, or sent what nobody asked for."""

    def close(self) -> None:
        """Close at once."""


C = TypeVar("C", bound=Poolable)


class Pool(Generic[C]):
    """Keeps up to `most` idle connections, each for `expiry` seconds and to its own end at most.

    Both limits hold over all origins together. Origins that are never asked again, such as the
    callback URLs of single watches, would add up otherwise.
    """

    def __init__(self, most: int, expiry: float) -> None:
        self._most = most
        self._expiry = expiry
        self._by_origin: dict[Origin, deque[C]] = {}
        self._since: OrderedDict[C, float] = OrderedDict()
        self._next_expiry = -math.inf  # or later, if the oldest has been taken since

    def take(self, origin: Origin, now: float) -> C | None:
        """Return an idle connection that the server has not closed, None if there is none.

        `now` is by trio's clock.
        """
        idle = self._by_origin.get(origin)
        while idle:
            connection = idle.pop()
            since = self._since.pop(connection)
            if not idle:
                del self._by_origin[origin]
            fresh = now - since < self._expiry and now < connection.ends_at
            if fresh and not connection.is_stale():
                return connection
            connection.close()
        return None

    def give_back(self, connection: C) -> None:
        """Keep a connection that is reusable, close any other."""
        now = trio.current_time()
        if not connection.reusable or now >= connection.ends_at:
            connection.close()
            return
        idle = self._by_origin.get(connection.origin)
        if idle is None:
            idle = self._by_origin[connection.origin] = deque()
        idle.append(connection)
        self._since[connection] = now
        if len(self._since) > self._most or now >= self._next_expiry:
            self._close_old(now)

    def retire(self) -> None:
        """Close all idle connections, and keep none from now on."""
        self._most = 0
        self.close()

    def close(self) -> None:
        """Close all idle connections."""
        while self._since:
            self._close_oldest()

    def _close_old(self, now: float) -> None:
        """Close what is too old, and the oldest while there are too many."""
        while self._since and (
            len(self._since) > self._most or self._oldest_since() <= now - self._expiry
        ):
            self._close_oldest()
        self._next_expiry = self._expiry + (self._oldest_since() if self._since else now)

    def _oldest_since(self) -> float:
        return next(iter(self._since.values()))

    def _close_oldest(self) -> None:
        connection, _ = self._since.popitem(last=False)
        idle = self._by_origin[connection.origin]
        idle.popleft()  # the oldest of all is the oldest of its origin
        if not idle:
            del self._by_origin[connection.origin]
        connection.close()
