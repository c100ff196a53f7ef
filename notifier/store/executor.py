"""Runs the store's work: in worker threads, or inline in tests.

The threads have a limiter of their own. Trio's shared threads also look up host names, and a slow
resolver must not delay a commit. A commit that has begun is never abandoned.
"""

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

import trio

P = ParamSpec("P")
T = TypeVar("T")


class Executor(Protocol):
    """Runs one function at a time."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` and return what it returns."""


class ThreadExecutor:
    """Runs functions one after the other in worker threads."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(1)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in a thread; once it has begun, cancellation waits for its end."""
        return await trio.to_thread.run_sync(
            lambda: function(*args, **kwargs), limiter=self._limiter
        )


class InlineExecutor:
    """Runs functions in the event loop: virtual time must not pass while a thread works."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the event loop."""
        await trio.lowlevel.checkpoint()
        return function(*args, **kwargs)
