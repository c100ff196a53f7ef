"""Runs the store's work: in a thread of its own, or inline in tests.

Trio's shared threads also look up host names, and a slow resolver must not delay a commit. A
commit that has begun is never abandoned.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import ParamSpec, Protocol, TypeVar, cast

import trio

from notifier.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")

_IDLE = 10.0  # seconds until a thread without work ends


class Executor(Protocol):
    """Runs one function at a time."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` and return what it returns."""

    def another(self) -> "Executor":
        """Return one that runs functions while this one does, where that is possible."""


class _Job:
    """A function for the store's thread, its outcome, and the task that waits for it."""

    __slots__ = ("_error", "_function", "_result", "_task", "_token")

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._result: object = None
        self._error: BaseException | None = None
        self._task = trio.lowlevel.current_task()
        self._token = trio.lowlevel.current_trio_token()

    def run(self) -> None:
        """Run the function in this thread, then let the task go on."""
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - raised in the task that waits
            self._error = error
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(trio.lowlevel.reschedule, self._task)

    def result(self) -> object:
        """Return what the function returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


class ThreadExecutor:
    """Runs functions one after the other in a thread that lasts as long as there are any.

    A thread of trio's pool takes twice the CPU for each function.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._starting = Lock()
        self._has_thread = False

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the thread; once it is queued, cancellation waits for its end.

        Raises StoreError when the system starts no thread.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        job = _Job(partial(function, *args, **kwargs))
        with self._starting:
            if not self._has_thread:
                self._start()
                self._has_thread = True
            self._jobs.put(job)
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        return cast("T", job.result())

    def another(self) -> "ThreadExecutor":
        """Return one with a thread of its own."""
        return ThreadExecutor()

    def _start(self) -> None:
        # the end of the interpreter does not wait for a daemon thread
        thread = Thread(target=self._work, name="store", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system's limit of threads is reached
            raise StoreError(f"the store has no thread: {error}") from error

    def _work(self) -> None:
        while True:
            try:
                self._jobs.get(timeout=_IDLE).run()
            except Empty:
                with self._starting:
                    if self._jobs.empty():
                        self._has_thread = False
                        return


class InlineExecutor:
    """Runs functions in the event loop: virtual time must not pass while a thread works."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the event loop."""
        await trio.lowlevel.checkpoint()
        return function(*args, **kwargs)

    def another(self) -> "InlineExecutor":
        """Return this one: there is only one event loop."""
        return self
