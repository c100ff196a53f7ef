"""A reactor: calls back when something arrives on a socket, without a task for each.

To wait for a socket costs a task two system calls and a switch each time. A socket that stays
registered here costs neither. On Linux one epoll instance holds all sockets of a peer, and trio
waits for that one descriptor; elsewhere a task waits for each socket.
"""

import math
import select
import sys
from collections.abc import Callable
from typing import Protocol

import trio

from notifier.wakeup import next_tick

_MOST_EVENTS = 256
"""How many sockets are served before other tasks run."""

_CLOSE_TOGETHER = 0.004
"""What arrives sooner than this after other data, in seconds, may be served with what follows.

It is a quarter of a tick: were less to come in a tick, to wait for it would save nothing.
"""


class Reactor(Protocol):
    """Calls back while `run` runs; a descriptor is forgotten before it is closed."""

    async def run(self, may_wait: Callable[[], bool]) -> None:
        """Call back for ever; while `may_wait` returns True, a tick later if that costs less."""

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call `call` whenever something can be read, until it is forgotten."""

    def forget(self, descriptor: int) -> None:
        """Do not call back about a descriptor any more."""


if sys.platform == "linux":

    class EpollReactor:
        """Waits for all sockets by one epoll instance, which exists once there is a socket.

        To wake a process that sleeps costs more than to serve a socket. So while data keeps
        arriving, all that arrived until the next tick is served together.
        """

        def __init__(self) -> None:
            self._epoll: select.epoll | None = None
            self._calls: dict[int, Callable[[], None]] = {}
            self._used = trio.Event()

        async def run(self, may_wait: Callable[[], bool]) -> None:
            """Call back for ever, and close the epoll instance at the end."""
            while self._epoll is None:
                await self._used.wait()
            served_at = -math.inf
            with self._epoll as epoll:
                while True:
                    await trio.lowlevel.wait_readable(epoll)
                    while number := self._serve(epoll):
                        now = trio.current_time()
                        is_close, served_at = now - served_at < _CLOSE_TOGETHER, now
                        if not is_close or number == _MOST_EVENTS or not may_wait():
                            break
                        await trio.sleep_until(next_tick(now))

        def _serve(self, epoll: select.epoll) -> int:
            """Call back about what has arrived; return on how many sockets."""
            events = epoll.poll(0, _MOST_EVENTS)
            for descriptor, _ in events:
                call = self._calls.get(descriptor)
                if call is not None:  # else it was forgotten by a call before
                    call()
            return len(events)

        def watch(self, descriptor: int, call: Callable[[], None]) -> None:
            """Call `call` whenever something can be read, until it is forgotten."""
            if self._epoll is None:
                self._epoll = select.epoll()
                self._used.set()
            self._epoll.register(descriptor, select.EPOLLIN | select.EPOLLRDHUP)
            self._calls[descriptor] = call

        def forget(self, descriptor: int) -> None:
            """Do not call back about a descriptor any more."""
            known = self._calls.pop(descriptor, None) is not None
            if known and self._epoll is not None and not self._epoll.closed:
                self._epoll.unregister(descriptor)


class TaskReactor:
    """Waits for each socket in a task of its own, which every platform can."""

    def __init__(self) -> None:
        self._scopes: dict[int, trio.CancelScope] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self, may_wait: Callable[[], bool]) -> None:  # noqa: ARG002 - tasks wake anyway
        """Call back for ever."""
        async with trio.open_nursery() as self._nursery:
            await trio.sleep_forever()

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call `call` whenever something can be read, until it is forgotten."""
        if self._nursery is None:
            raise RuntimeError("the reactor is not running")
        scope = self._scopes[descriptor] = trio.CancelScope()
        self._nursery.start_soon(self._wait, descriptor, call, scope)

    def forget(self, descriptor: int) -> None:
        """Do not call back about a descriptor any more."""
        scope = self._scopes.pop(descriptor, None)
        if scope is not None:
            scope.cancel()

    async def _wait(
        self, descriptor: int, call: Callable[[], None], scope: trio.CancelScope
    ) -> None:
        with scope:
            while self._scopes.get(descriptor) is scope:
                await trio.lowlevel.wait_readable(descriptor)
                if self._scopes.get(descriptor) is scope:
                    call()


def make_reactor() -> Reactor:
    """Return the cheapest reactor that this platform has."""
    return EpollReactor() if sys.platform == "linux" else TaskReactor()
