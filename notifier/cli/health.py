"""`notifier health`: whether the daemon is ready, as an exit code for container health checks."""

from pathlib import Path

import click

from notifier.cli.daemon_of_config import ask_daemon_of
from notifier.cli.options import config_option, examples


@examples("notifier health")
@click.command("health")
@config_option
def health_command(config_path: Path | None) -> int:
    """Exit 0 if the daemon is ready, 1 if it is not or none runs.

    Ready means that its store takes writes and that polling and delivering make progress. A
    container's health check and scripts that wait for the daemon use this. A config that was
    broken since the start changes nothing.
    """
    parts = ask_daemon_of(config_path, "GET", "/readyz")
    click.echo(parts["status"])
    return 0
