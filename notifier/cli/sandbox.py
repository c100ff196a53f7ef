"""`notifier sandbox`: a gateway to develop against, that costs nothing and obeys."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import trio

from notifier.cli.foreground import Console, serve_until_stopped
from notifier.cli.output import config_option
from notifier.cli.param_types import DURATION
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


class _FaultType(click.ParamType):  # type: ignore[type-arg] # generic from click 8.5 on
    name = "fault"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fault:
        try:
            return value if isinstance(value, Fault) else Fault.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("sandbox")
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True,
    help="Port to listen on; 0 takes a free one.",
)  # fmt: skip
@click.option("--speed", type=float, default=1.0, help="Divides every time a job takes.")
@click.option(
    "--profile", type=click.Choice(list(PROFILES)), default="openai", show_default=True,
    help="Whose dialect to speak.",
)  # fmt: skip
@click.option(
    "--fault", "faults", type=_FaultType(), multiple=True, metavar="KIND[:PROBABILITY]",
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

    def on_stage(stage: Console) -> Handler:
        sandbox.on_created = _Narrator(stage, sandbox).created
        return sandbox.handle

    greeting = partial(_greeting, f"profile {profile}, speed {speed:g}x", locked=bool(api_key))
    serve_until_stopped(on_stage, greeting, host, port)


class _Narrator:
    """Prints a line when a job is created and whenever its status changes."""

    def __init__(self, stage: Console, sandbox: Sandbox) -> None:
        self._stage = stage
        self._sandbox = sandbox

    def created(self, job: Job) -> None:
        prompt = "".join(char if char.isprintable() else " " for char in job.prompt)
        about = click.style(f"{prompt[:_WIDTH]!r}, {job.duration:.3g} s", dim=True)
        self._say(job, f"created      {about}")
        self._stage.nursery.start_soon(self._follow, job)

    async def _follow(self, job: Job) -> None:
        for turn in (job.started_at, job.ended_at):
            if turn is None:
                return
            await trio.sleep(max(0, turn - time.time()))
            if job.id not in self._sandbox.jobs:
                return
            status = job.status_at(turn)
            word = "forgotten" if status is None else status.value
            self._say(job, click.style(word, fg=_COLORS.get(status)))

    def _say(self, job: Job, text: str) -> None:
        self._stage.say(f"{time.strftime('%H:%M:%S')}  {job.id}  {text}")


def _greeting(manners: str, address: str, *, locked: bool) -> str:
    key = " -H 'Authorization: Bearer YOUR_KEY'" if locked else ""
    return (
        f"sandbox gateway on {address}/v1 ({manners})\n"
        "create a video with:\n"
        f"  curl {address}/v1/videos{key} -H 'Content-Type: application/json' \\\n"
        '    -d \'{"model": "sora-2", "prompt": "A cat on a motorcycle [20s]"}\'\n'
        "Ctrl-C stops it."
    )
