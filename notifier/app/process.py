"""The daemon as a process: signals drive its life cycle, its result becomes the exit code."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import trio

from notifier import early_signals
from notifier.app.daemon import Lifecycle, Options, run_daemon
from notifier.app.gc_tuning import tune_gc
from notifier.config import Config
from notifier.errors import unwrapped
from notifier.wakeup import Wakeup

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_process(config: Config, options: Options, announce: Callable[[str], None]) -> int:
    """Run the daemon until it is done or signalled; return its exit code.

    `announce` is called with the page's address once it is served. Raises NotifierError, unwrapped
    from the groups that nurseries put around it.
    """
    tune_gc()
    reload = Wakeup()

    async def serve(stop: trio.Event) -> int:
        lifecycle = Lifecycle(stop, reload, announce=announce)
        return await run_daemon(config, lifecycle, options=options)

    return run_until_signal(serve, {signal.SIGHUP: reload.notify})


def run_until_signal(
    serve: Callable[[trio.Event], Awaitable[int]],
    others: Mapping[signal.Signals, Callable[[], None]] = MappingProxyType({}),
) -> int:
    """Run `serve(stop)`, where SIGTERM or SIGINT sets `stop` and a second one quits at once.

    Quitting at once returns 0: what was under way is in the store. `others` are the handlers of
    further signals.
    """
    code = 0

    async def main() -> None:
        nonlocal code
        stop = trio.Event()
        async with trio.open_nursery() as nursery:
            await nursery.start(_handle_signals, stop, nursery.cancel_scope, others)
            code = await serve(stop)
            nursery.cancel_scope.cancel()

    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        error = unwrapped(group)
        if error is None:
            raise
        raise error from None
    return code


async def _handle_signals(
    stop: trio.Event,
    whole_run: trio.CancelScope,
    others: Mapping[signal.Signals, Callable[[], None]],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(*_SIGNALS, *others) as signals:
        early_signals.release()
        task_status.started()
        async for received in signals:
            if received in others:
                others[signal.Signals(received)]()
                continue
            if stop.is_set():
                whole_run.cancel()
            stop.set()
