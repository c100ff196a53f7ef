"""`notifier watch remove`: stops watching, through the daemon or in drop-in files."""

from collections.abc import Sequence
from pathlib import Path

import click

from notifier.cli.completion import complete_gateway, complete_open_id
from notifier.cli.daemon_client import DaemonUnreachableError
from notifier.cli.options import config_option, examples
from notifier.cli.output import print_errors, print_first_errors
from notifier.cli.project import Project, find_project
from notifier.cli.watch_adding import views_of
from notifier.cli.watch_batches import remove_through_daemon
from notifier.cli.watch_requests import WatchRequest, read_requests
from notifier.model.views import WatchView
from notifier.model.watch import NO_FILES, WatchKey, WatchState
from notifier.store.database import daemon_is_running


@examples(
    "notifier watch remove video_123",
    "notifier watch remove - < ids.txt",
    "notifier watch remove --ended",
)
@click.command("remove")
@config_option
@click.argument("video_ids", metavar="[VIDEO_ID...]", nargs=-1, shell_complete=complete_open_id)
@click.option(
    "--gateway", shell_complete=complete_gateway,
    help="Gateway's name; not needed when only one lists the id.",
)  # fmt: skip
@click.option("--ended", is_flag=True, help="Remove the drop-ins of all watches that have ended.")
def remove_command(
    config_path: Path | None, *, video_ids: tuple[str, ...], gateway: str | None, ended: bool
) -> int:
    """Stop watching videos.

    What the daemon keeps is removed there, and what a drop-in file lists in the file.

    An open watch ends without an event. With "-", ids are read from stdin, one a line.
    """
    if ended == bool(video_ids):
        raise click.UsageError("give either VIDEO_IDs or --ended")
    if ended:
        return _remove_ended(config_path)
    defaults = {} if gateway is None else {"gateway": gateway}
    requests, errors = read_requests(video_ids, defaults)
    project = find_project(config_path)
    more = _through_daemon(project, requests)
    errors += _with_files(config_path, requests) if more is None else more
    print_first_errors(errors)
    return 1 if errors else 0


def _through_daemon(project: Project, requests: Sequence[WatchRequest]) -> list[str] | None:
    """Remove watches that only the daemon keeps; return the errors, None for any others."""
    if not requests or not daemon_is_running(project.store_path):
        return None
    keys = [_only_key(project, request) for request in requests]
    found = [key for key in keys if key is not None]
    views = views_of(project, found)
    if len(found) < len(keys) or not all(_is_kept_by_daemon(views.get(key)) for key in found):
        return None
    try:
        return remove_through_daemon(project, list(dict.fromkeys(found)))
    except DaemonUnreachableError:
        return None


def _only_key(project: Project, request: WatchRequest) -> WatchKey | None:
    """Return the identity of a watch if its gateway is certain."""
    names = list(project.gateways)
    gateway = request.entry.get("gateway", names[0] if len(names) == 1 else None)
    video_id = request.entry.get("video_id")
    if not isinstance(gateway, str) or not isinstance(video_id, str):
        return None
    return WatchKey(gateway, video_id)


def _is_kept_by_daemon(view: WatchView | None) -> bool:
    return (
        view is not None and view.watch.state is WatchState.OPEN and set(view.sources) <= NO_FILES
    )


def _with_files(config_path: Path | None, requests: Sequence[WatchRequest]) -> list[str]:
    # slow, and not needed where only the daemon keeps the watches
    from notifier.cli.config_loading import load_project  # noqa: PLC0415
    from notifier.cli.watch_file_removal import remove_with_files  # noqa: PLC0415

    return remove_with_files(load_project(config_path), requests)


def _remove_ended(config_path: Path | None) -> int:
    from notifier.cli.config_loading import load_project  # noqa: PLC0415 - slow, as above
    from notifier.cli.watch_file_removal import remove_ended  # noqa: PLC0415

    removed, errors = remove_ended(load_project(config_path))
    click.echo(f"removed {removed} drop-in{'' if removed == 1 else 's'}")
    print_errors(errors)
    return 1 if errors else 0
