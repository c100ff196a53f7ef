"""How commands print tables, JSON and warnings."""

import json
from typing import Any

import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from notifier.config import Config, warnings

_WIDEST = 10_000


def print_warnings(config: Config) -> None:
    """Print the warnings about a config on stderr."""
    for warning in warnings(config):
        click.secho(f"notifier: warning: {warning}", fg="yellow", err=True)


def print_table(table: Table) -> None:
    """Print a table at its full width, so that ids can be copied whole."""
    wide = Console(width=_WIDEST, markup=False, emoji=False, highlight=False)
    needed = Measurement.get(wide, wide.options, table)
    wide.width = max(needed.maximum, 1)
    wide.print(table, crop=False)


def print_json(rows: list[dict[str, Any]]) -> None:
    """Print `rows` as the JSON array of `--json`."""
    click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
