"""`notifier sandbox`: a simulated gateway for development and tests."""

import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import trio

from notifier.cli.foreground import ForegroundServer, serve_until_stopped
from notifier.cli.options import address_options, config_option, examples
from notifier.cli.param_types import DURATION, ParsedType, WordType
from notifier.config.bad_value import BadValueError, did_you_mean
from notifier.http_server import Handler
from notifier.model.status import Status
from notifier.sandbox import FAULT_KINDS, PROFILES, Fault, Job, Sandbox

_COLORS = {
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "yellow",
    None: "yellow",
}
_WIDTH = 60


def _fault(text: str) -> Fault:
    """Read KIND[:PROBABILITY]; raises ValueError."""
    kind = text.partition(":")[0]
    if kind not in FAULT_KINDS:
        known = f"must be one of {', '.join(FAULT_KINDS)}"
        raise BadValueError(known, did_you_mean(kind, FAULT_KINDS), quotable=True)
    return Fault.parse(text)


def _speed(text: str) -> float:
    """Read a factor; raises ValueError."""
    wrong = BadValueError("must be a number above 0", "2 makes jobs twice as fast", quotable=True)
    try:
        speed = float(text)
    except ValueError:
        raise wrong from None
    if not 0 < speed < math.inf:
        raise wrong
    return speed


@examples("notifier sandbox --speed 10", "notifier sandbox --profile litellm --fault 429:0.5")
@click.command("sandbox")
@config_option
@address_options(8080)
@click.option(
    "--speed",
    type=ParsedType("number", _speed),
    default=1.0,
    help="Divides every time a job takes.",
)
@click.option(
    "--profile", type=WordType(list(PROFILES)), default="openai", show_default=True,
    help="Which gateway's dialect to speak.",
)  # fmt: skip
@click.option(
    "--fault", "faults", type=ParsedType("fault", _fault), multiple=True,
    metavar="KIND[:PROBABILITY]",
    help=f"Spoil status requests, by default 0.3 of them; repeatable. {', '.join(FAULT_KINDS)}.",
)  # fmt: skip
@click.option("--api-key", metavar="KEY", help="Refuse requests without this key.")
@click.option("--duration", type=DURATION, help="How long jobs take, before speed.  [1m to 3m]")
def sandbox_command(  # noqa: PLR0913 - one argument for each option
    *,
    config_path: Path | None,  # noqa: ARG001 - every command takes -c
    host: str,
    port: int,
    speed: float,
    profile: str,
    faults: Sequence[Fault],
    api_key: str | None,
    duration: float | None,
) -> None:
    """Run a stand-in gateway that speaks /v1/videos.

    Words in a prompt choose a job's ending: fail, cancel, expire, lose or vanish (forgotten
    half way), stuck (never ends). "[12s]" in it sets the duration.
    """
    try:
        sandbox = Sandbox(
            profile=profile, speed=speed, faults=faults, api_key=api_key, duration=duration
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None

    def make_handler(server: ForegroundServer) -> Handler:
        sandbox.on_created = _JobPrinter(server, sandbox).created
        return sandbox.handle

    greeting = partial(_greeting, f"profile {profile}, speed {speed:g}x", locked=bool(api_key))
    serve_until_stopped(make_handler, greeting, host, port)


class _JobPrinter:
    """Prints a line when a job is created and whenever its status changes."""

    def __init__(self, server: ForegroundServer, sandbox: Sandbox) -> None:
        self._server = server
        self._sandbox = sandbox

    def created(self, job: Job) -> None:
        prompt = "".join(char if char.isprintable() else " " for char in job.prompt)
        about = click.style(f"{prompt[:_WIDTH]!r}, {job.duration:.3g} s", dim=True)
        self._print(job, f"created      {about}")
        self._server.nursery.start_soon(self._follow, job)

    async def _follow(self, job: Job) -> None:
        for moment in (job.started_at, job.ended_at):
            if moment is None:
                return
            await trio.sleep(max(0, moment - time.time()))
            if job.id not in self._sandbox.jobs:
                return
            status = job.status_at(moment)
            word = "forgotten" if status is None else status.value
            self._print(job, click.style(word, fg=_COLORS.get(status)))

    def _print(self, job: Job, text: str) -> None:
        self._server.print_line(f"{time.strftime('%H:%M:%S')}  {job.id}  {text}")


def _greeting(settings: str, address: str, *, locked: bool) -> str:
    key = " -H 'Authorization: Bearer YOUR_KEY'" if locked else ""
    return (
        f"sandbox gateway on {address}/v1 ({settings})\n"
        "create a video with:\n"
        f"  curl {address}/v1/videos{key} -H 'Content-Type: application/json' \\\n"
        '    -d \'{"model": "sora-2", "prompt": "A cat on a motorcycle [20s]"}\'\n'
        "Ctrl-C stops it."
    )
