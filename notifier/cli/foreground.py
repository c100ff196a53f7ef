"""Serves an HTTP handler in the foreground until SIGINT or SIGTERM, for `sandbox` and `listen`."""

import signal
from collections.abc import Callable

import click
import trio

from notifier import log
from notifier.cli.output import print_warning
from notifier.errors import NotifierError
from notifier.http_server import Handler, serve


class ForegroundServer:
    """What a handler may use while it is served: lines on stdout, and tasks of its own."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self._is_silent = False

    def print_line(self, text: str) -> None:
        """Print a line at once; end the command quietly when stdout is closed.

        When stdout cannot be written otherwise, as on a full disk, serving goes on without it.
        """
        try:
            click.echo(text)
            self._is_silent = False
        except BrokenPipeError:
            self.nursery.cancel_scope.cancel()
        except OSError as error:
            if not self._is_silent:
                self._is_silent = True
                print_warning(f"what is received cannot be printed: {error.strerror}")


def serve_until_stopped(
    make_handler: Callable[[ForegroundServer], Handler],
    greeting: Callable[[str], str],
    host: str,
    port: int,
) -> None:
    """Serve the handler that `make_handler` returns until SIGINT or SIGTERM.

    `greeting` turns the address (`http://host:port`) into the text that is printed once it is
    reachable. Raises NotifierError when the address cannot be listened on.
    """
    log.configure("warning")
    error = trio.run(_serve, make_handler, greeting, host, port)
    if error is not None:
        reason = error.strerror or str(error)
        raise NotifierError(f"cannot listen on {host}:{port}: {reason}")


async def _serve(
    make_handler: Callable[[ForegroundServer], Handler],
    greeting: Callable[[str], str],
    host: str,
    port: int,
) -> OSError | None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            server = ForegroundServer(nursery)

            async def start(task_status: trio.TaskStatus[int]) -> None:
                await serve(make_handler(server), host=host, port=port, task_status=task_status)

            try:
                bound = await nursery.start(start)
            except OSError as error:
                return error
            shown = f"[{host}]" if ":" in host else host
            server.print_line(greeting(f"http://{shown}:{bound}"))
            async for _ in signals:
                break
            nursery.cancel_scope.cancel()
    return None
