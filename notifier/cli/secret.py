"""`notifier secret`: a new signing secret."""

from pathlib import Path

import click

from notifier.cli.options import config_option, examples
from notifier.signing import generate_secret


@examples("notifier secret")
@click.command("secret")
@config_option
def secret_command(config_path: Path | None) -> None:  # noqa: ARG001 - every command takes -c
    """Print a new whsec_ secret for an endpoint."""
    click.echo(generate_secret())
