"""`notifier demo`: see the main job done, with no account and no network."""

from pathlib import Path

import click
from rich.console import Console

from notifier.cli.output import config_option
from notifier.demo import run_demo


@click.command("demo")
@config_option
def demo_command(config_path: Path | None) -> int:  # noqa: ARG001 - every command takes -c
    """Watch six sandbox jobs end and their events arrive, verified. Takes about 12 seconds."""
    run_demo(Console())
    return 0
