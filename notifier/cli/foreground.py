"""What `sandbox` and `listen` share: serving a handler until somebody stops the process."""

import signal
from collections.abc import Callable

import click
import trio

from notifier import log
from notifier.errors import NotifierError
from notifier.http_server import Handler, serve


class Console:
    """Where a serving command prints and runs its tasks."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery

    def say(self, text: str) -> None:
        """Print a line at once; stop quietly when nobody reads our output any more."""
        try:
            click.echo(text)
        except BrokenPipeError:
            self.nursery.cancel_scope.cancel()


def serve_until_stopped(
    make: Callable[[Console], Handler], greet: Callable[[str], str], host: str, port: int
) -> None:
    """Serve what `make` returns until SIGINT or SIGTERM.

    `greet` turns the address (`http://host:port`) into what is printed once it is reachable.
    Raises NotifierError when the address cannot be listened on.
    """
    log.configure("warning")
    trouble = trio.run(_serve, make, greet, host, port)
    if trouble is not None:
        reason = trouble.strerror or str(trouble)
        raise NotifierError(f"cannot listen on {host}:{port}: {reason}")


async def _serve(
    make: Callable[[Console], Handler], greet: Callable[[str], str], host: str, port: int
) -> OSError | None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            stage = Console(nursery)

            async def start(task_status: trio.TaskStatus[int]) -> None:
                await serve(make(stage), host=host, port=port, task_status=task_status)

            try:
                bound = await nursery.start(start)
            except OSError as error:
                return error
            shown = f"[{host}]" if ":" in host else host
            stage.say(greet(f"http://{shown}:{bound}"))
            async for _ in signals:
                break
            nursery.cancel_scope.cancel()
    return None
