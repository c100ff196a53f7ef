"""`notifier demo`: six sandbox jobs from start to event, without an account or a network."""

from pathlib import Path

import click
from rich.console import Console

from notifier.cli.options import config_option, examples
from notifier.demo import run_demo


@examples("notifier demo")
@click.command("demo")
@config_option
def demo_command(config_path: Path | None) -> int:  # noqa: ARG001 - every command takes -c
    """Watch six sandbox jobs end and their events arrive, verified. Takes about 12 seconds."""
    run_demo(Console())
    return 0
