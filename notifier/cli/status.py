"""`notifier status`: gateways, endpoints and open videos, once or refreshed every second."""

import time
from pathlib import Path

import click
from rich.console import Console, Group
from rich.live import Live

from notifier.cli.options import config_option, examples, json_option
from notifier.cli.output import print_json
from notifier.cli.project import Project, find_project
from notifier.cli.status_report import read_status
from notifier.cli.status_tables import status_parts
from notifier.cli.tables import print_whole, terminal_width

_REFRESH_INTERVAL = 1.0
_MAX_VIDEOS = 200


@examples("notifier status", "notifier status --follow", "notifier status --json")
@click.command("status")
@config_option
@json_option
@click.option("--follow", is_flag=True, help="Keep showing, until Ctrl-C.")
def status_command(config_path: Path | None, *, as_json: bool, follow: bool) -> int:
    """Show open videos, endpoints and gateways.

    Videos are shown with their progress, endpoints with their health, gateways with their budget.

    Also works while no daemon runs: then it shows what the last one left. Off a terminal every
    open video is listed.
    """
    if as_json and follow:
        raise click.UsageError("--json prints one report; leave out --follow")
    project = find_project(config_path)
    if follow:
        _follow(project)
        return 0
    width = None if as_json else terminal_width()
    report = read_status(project, None if width is None else _MAX_VIDEOS)
    if as_json:
        print_json([report.as_row()])
    else:
        for part in status_parts(report, width):
            print_whole(part)
    return 0


def _follow(project: Project) -> None:
    console = Console(highlight=False)
    width = console.width if console.is_terminal else None
    with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
        while True:
            report = read_status(project, _MAX_VIDEOS)
            live.update(Group(*status_parts(report, width)), refresh=True)
            time.sleep(_REFRESH_INTERVAL)
