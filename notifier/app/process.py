"""The daemon as a process: signals in, exit code out."""

import signal
from collections.abc import Awaitable, Callable

import trio

from notifier.app.daemon import Options, run_daemon
from notifier.config import Config
from notifier.errors import NotifierError

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_process(config: Config, options: Options) -> int:
    """Run the daemon until it is done or signalled; return its exit code.

    Raises NotifierError, unwrapped from the groups that nurseries put around it.
    """

    async def serve(stop: trio.Event) -> int:
        return await run_daemon(config, stop=stop, options=options)

    return run_until_signal(serve)


def run_until_signal(serve: Callable[[trio.Event], Awaitable[int]]) -> int:
    """Run `serve(stop)`, where SIGTERM or SIGINT sets `stop` and a second one quits at once.

    Quitting at once returns 0: what was under way is in the store.
    """
    code = 0

    async def main() -> None:
        nonlocal code
        stop = trio.Event()
        async with trio.open_nursery() as nursery:
            await nursery.start(_obey_signals, stop, nursery.cancel_scope)
            code = await serve(stop)
            nursery.cancel_scope.cancel()

    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        expected, others = group.split(NotifierError)
        if expected is None or others is not None:
            raise
        raise _first(expected) from None
    return code


async def _obey_signals(
    stop: trio.Event,
    everything: trio.CancelScope,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(*_SIGNALS) as signals:
        task_status.started()
        async for _ in signals:
            if stop.is_set():
                everything.cancel()
            stop.set()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
