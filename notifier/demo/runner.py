"""Runs the demo and checks, as a receiver would, that every event arrived and was genuine."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from rich.console import Console
from rich.markup import escape

from notifier import log
from notifier.app import Lifecycle, Options, run_daemon
from notifier.config import Config, load
from notifier.demo.screen import Screen, print_line
from notifier.demo.setup import JOBS, Ports, make_sandbox, new_secret, write_config
from notifier.errors import NotifierError, StoreError, unwrapped
from notifier.http_server import Handler, Request, Response, Wire, serve
from notifier.listener import Listener, Received
from notifier.signing import decode_secret
from notifier.store import open_reader

_LONGEST = 60.0
_LOOK_EVERY = 0.1


def run_demo(console: Console) -> None:
    """Run the demo.

    Raises NotifierError when an event is missing after a minute, KeyboardInterrupt after SIGINT
    or SIGTERM.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="notifier-demo-")))
        logs = stack.enter_context((folder / "log.jsonl").open("w", encoding="utf-8"))
        log.configure("info", "json", logs)
        receivers = _explained(folder, console)
    if receivers.interrupted:
        raise KeyboardInterrupt
    receivers.check()
    count = sum(receivers.verified.values())
    print_line(
        console,
        "\n[bold green]All arrived:[/]",
        f"{len(JOBS)} jobs,",
        f"{count} signed events verified,",
        f"{len(receivers.messages)} Slack messages,",
        f"{receivers.refused} attempts failed on purpose and were made again,",
        f"in {time.monotonic() - began:.0f} s.",
    )


def _explained(folder: Path, console: Console) -> "Receivers":
    """Run everything; raises NotifierError, in one sentence, whatever goes wrong."""
    try:
        return trio.run(_run, folder, console)
    except NotifierError:
        raise
    except BaseExceptionGroup as group:
        if group.split(Exception)[1] is not None:
            raise
        raise unwrapped(group) or _gone_wrong(group) from None
    except Exception as error:  # noqa: BLE001 - a newcomer gets a sentence and no traceback
        raise _gone_wrong(error) from None


def _gone_wrong(error: BaseException) -> NotifierError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return NotifierError(f"the demo went wrong: {type(error).__name__}: {error}")


class Receivers:
    """The three receivers and what they have received."""

    def __init__(self, secret: str, screen: Screen) -> None:
        keys = [decode_secret(secret)]
        self._screen = screen
        self.verified: Counter[tuple[str, str, str]] = Counter()
        self.refused = 0
        self.messages: list[bytes] = []
        self.interrupted = False
        self.app = Listener(keys, on_event=partial(self._on_event, "app"))
        self.flaky = Listener(keys, fail_first=1, on_event=partial(self._on_event, "flaky"))

    def _on_event(self, endpoint: str, received: Received) -> None:
        if not received.verified:
            note = f"[red]not verified: {escape(str(received.reason))}[/]"
        elif received.status >= 300:  # noqa: PLR2004 - not a 2xx
            self.refused += 1
            note = f"[yellow]answered {received.status} on purpose; it will come again[/]"
        else:
            self.verified[endpoint, received.type, received.video_id] += 1
            note = "signature verified"
        self._screen.event(endpoint, received.type, received.video_id, note)

    async def slack(self, request: Request, wire: Wire) -> Response:  # noqa: ARG002 - a handler
        """Accept a message as Slack would."""
        self.messages.append(request.body)
        return Response(200, {"content-type": "text/plain"}, b"ok")

    def check(self) -> None:
        """Raise NotifierError unless every receiver got exactly the expected events."""
        expected = {
            (endpoint, job.expected.value, job.name)
            for endpoint in ("app", "flaky")
            for job in JOBS
        }
        missing = expected - self.verified.keys()
        wrong = self.verified.keys() - expected
        if missing or wrong or len(self.messages) != len(JOBS):
            raise NotifierError(
                f"the demo went wrong: {len(missing)} events missing, {len(wrong)} unexpected, "
                f"{len(self.messages)} of {len(JOBS)} Slack messages"
            )


async def _run(folder: Path, console: Console) -> Receivers:
    secret = new_secret()
    print_line(console, "A sandbox gateway, three receivers and the daemon, all on loopback:\n")
    with Screen(console) as screen:
        receivers = Receivers(secret, screen)
        with trio.move_on_after(_LONGEST):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cancel_on_signal, receivers, nursery.cancel_scope)
                start = partial(_start, nursery)
                ports = Ports(
                    gateway=await start(make_sandbox().handle),
                    app=await start(receivers.app.handle),
                    flaky=await start(receivers.flaky.handle),
                    slack=await start(receivers.slack),
                )
                config = load(write_config(folder, ports, secret), {})
                nursery.start_soon(_watch_progress, config, screen)
                await run_daemon(
                    config, Lifecycle(trio.Event()), options=Options(exit_when_done=True)
                )
                _show_all(config, screen)
                nursery.cancel_scope.cancel()
    console.print()
    completed = [message for message in receivers.messages if b"completed" in message]
    if completed:
        Screen(console).slack(completed[0])
    return receivers


async def _cancel_on_signal(receivers: Receivers, scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            receivers.interrupted = True
            scope.cancel()


async def _start(nursery: trio.Nursery, handler: Handler) -> int:
    port: int = await nursery.start(partial(serve, handler, port=0))
    return port


async def _watch_progress(config: Config, screen: Screen) -> None:
    """Show the progress that the daemon has committed, as `notifier watch add --wait` does."""
    show: Callable[[], None] = partial(_show_all, config, screen)
    while True:
        show()
        await trio.sleep(_LOOK_EVERY)


def _show_all(config: Config, screen: Screen) -> None:
    # what cannot be read now is shown the next time: the bars are decoration
    with suppress(StoreError), open_reader(config.store_path) as reader:
        if reader is not None:
            for view in reader.watches():
                screen.show(view)
