"""Prints tables on terminals and in pipes."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDEST = 10_000


def print_table(table: Table) -> None:
    """Print a table at its full width, so that ids can be copied whole."""
    wide = Console(width=_WIDEST, markup=False, emoji=False, highlight=False)
    needed = Measurement.get(wide, wide.options, table)
    wide.width = max(needed.maximum, 1)
    wide.print(table, crop=False)
