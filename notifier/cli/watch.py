"""`notifier watch add`: watches videos, through the daemon or through drop-in files."""

import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

import click

from notifier.cli.completion import complete_endpoint, complete_gateway
from notifier.cli.daemon_client import DaemonUnreachableError
from notifier.cli.groups import LazyGroup
from notifier.cli.options import config_option, examples
from notifier.cli.output import print_first_errors
from notifier.cli.param_types import DURATION
from notifier.cli.project import Project, find_project
from notifier.cli.watch_adding import Outcome, add_through_daemon
from notifier.cli.watch_requests import STDIN, WatchRequest, check_arguments, read_requests
from notifier.errors import NotifierError
from notifier.store.database import daemon_is_running


@examples("notifier watch add video_123", "notifier watch list", "notifier watch remove video_123")
@click.group(
    "watch",
    cls=LazyGroup,
    commands_by_name={
        "add": "notifier.cli.watch:add_command",
        "remove": "notifier.cli.watch_remove:remove_command",
        "list": "notifier.cli.watch_list:list_command",
        "import": "notifier.cli.watch_import:import_command",
    },
)
def watch_group() -> None:
    """Add, remove, list and import watched videos."""


@examples(
    "notifier watch add video_123 --metadata user=7",
    "notifier watch add video_123 --wait",
    "cat ids.txt | notifier watch add - --gateway main",
    'echo \'{"video_id": "video_123", "metadata": {"user": "7"}}\' | notifier watch add -',
)
@click.command("add")
@config_option
@click.argument("video_ids", metavar="VIDEO_ID...", nargs=-1, required=True)
@click.option(
    "--gateway", shell_complete=complete_gateway,
    help="Gateway's name; not needed when only one is configured.",
)  # fmt: skip
@click.option(
    "--endpoint", "endpoints", multiple=True, shell_complete=complete_endpoint,
    help="Only this endpoint; repeatable.",
)  # fmt: skip
@click.option("--metadata", metavar="KEY=VALUE", multiple=True, help="Handed back in the event.")
@click.option("--give-up-after", type=DURATION, help="Overrides the gateway's.")
@click.option("--again", is_flag=True, help="Watch videos again that have already ended.")
@click.option("--wait", is_flag=True, help="Follow one video until its event exists.")
def add_command(  # noqa: PLR0913 - one parameter per option
    config_path: Path | None,
    *,
    video_ids: tuple[str, ...],
    gateway: str | None,
    endpoints: tuple[str, ...],
    metadata: tuple[str, ...],
    give_up_after: float | None,
    again: bool,
    wait: bool,
) -> int:
    """Watch videos.

    The running daemon keeps them; where none runs, drop-in files do.

    With "-", ids are read from stdin, one a line; a line may also be a JSON object with the keys
    of [[watches]]. With --wait the exit code is 0 only when the video completed.
    """
    if wait and (len(video_ids) > 1 or STDIN in video_ids):
        raise click.UsageError("--wait follows one video; give one VIDEO_ID")
    if wait:
        # an exception, so that the progress bar restores the cursor
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    defaults = _settings(gateway, endpoints, metadata, give_up_after)
    project = find_project(config_path)
    requests, errors = read_requests(video_ids, defaults)
    check_arguments(requests, project)
    outcome = _add(config_path, project, requests, again=again)
    for key, _, kept_in in outcome.watched:
        click.echo(f"watching {key.video_id} on {key.gateway} ({kept_in})", err=wait)
    if wait and (outcome.watched or outcome.ended):
        return _wait(project, outcome, config_path)
    print_first_errors([*errors, *outcome.errors])
    if not daemon_is_running(project.store_path):
        click.echo(f"no daemon is running on this config; {_start(config_path)}", err=True)
    return 1 if errors or outcome.errors else 0


def _add(
    config_path: Path | None,
    project: Project,
    requests: Sequence[WatchRequest],
    *,
    again: bool,
) -> Outcome:
    if not requests:
        return Outcome()
    if daemon_is_running(project.store_path):
        try:
            outcome = add_through_daemon(project, requests, again=again)
        except DaemonUnreachableError:
            outcome = None
        if outcome is not None:
            return outcome
    # slow, and not needed where the daemon keeps the watches
    from notifier.cli.config_loading import load_project  # noqa: PLC0415
    from notifier.cli.watch_files import add_with_files  # noqa: PLC0415

    return add_with_files(load_project(config_path), requests, again=again)


def _wait(project: Project, outcome: Outcome, config_path: Path | None) -> int:
    """Follow the one watch, or report the event that it already has."""
    from notifier.cli.watch_follow import follow, report_ended  # noqa: PLC0415 - slow

    if outcome.ended:
        return report_ended(project, outcome.ended[0])
    ((key, generation, _),) = outcome.watched
    if not daemon_is_running(project.store_path):
        raise NotifierError(
            "no daemon is running on this config, so there is nothing to wait for; "
            f"{_start(config_path)}"
        )
    return follow(project, key, generation)


def _start(config_path: Path | None) -> str:
    named = "" if config_path is None else f" -c {shlex.quote(str(config_path))}"
    return f"start one with: notifier run{named}"


def _settings(
    gateway: str | None,
    endpoints: Sequence[str],
    metadata: Sequence[str],
    give_up_after: float | None,
) -> dict[str, object]:
    """Return the keys of a `[[watches]]` entry that the options set."""
    settings = {
        "gateway": gateway,
        "endpoints": sorted(endpoints) or None,
        "metadata": _metadata(metadata) or None,
        "give_up_after": give_up_after,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _metadata(pairs: Sequence[str]) -> dict[str, str]:
    tags = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.UsageError("--metadata takes KEY=VALUE, such as user=7")
        tags[name] = value
    return tags
