"""Tables for terminals and pipes: ids stay whole, and columns give way to a narrow terminal.

Off a terminal a table has all its columns at their full width, one line a row. On a terminal the
columns that matter least are left out until the rest fits. What must stay is never cut or
wrapped: if it is wider than the terminal, its lines are too.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import click
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_WIDEST = 100_000
_PADDING = re.compile(r"(?:\x1b\[[0-9;]*m| )+$")

Cell = RenderableType
Row = Sequence[Cell]


class TableColumn(NamedTuple):
    """A column; the one with the highest `drop` is left out first, one with 0 never."""

    title: str
    drop: int = 0


def make_table(columns: Sequence[TableColumn], rows: Sequence[Row], width: int | None) -> Table:
    """Return the table with those columns that fit into `width`; all of them if that is None."""
    shown = list(range(len(columns)))
    table = _table(columns, rows, shown)
    while width is not None and needed_width(table) > width:
        last = max(shown, key=lambda index: columns[index].drop)
        if columns[last].drop == 0:
            break
        shown.remove(last)
        table = _table(columns, rows, shown)
    return table


def _table(columns: Sequence[TableColumn], rows: Sequence[Row], shown: Sequence[int]) -> Table:
    table = Table(box=None)
    for index in shown:
        table.add_column(columns[index].title, no_wrap=True, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[index]) for index in shown))
    return table


def _cell(cell: Cell) -> Cell:
    # a text of ours or of a gateway is no markup
    return Text(cell) if isinstance(cell, str) else cell


def needed_width(renderable: RenderableType) -> int:
    """Return the columns that something needs to be printed without cutting or wrapping."""
    wide = Console(width=_WIDEST, markup=False, emoji=False, highlight=False)
    return max(Measurement.get(wide, wide.options, renderable).maximum, 1)


def terminal_width() -> int | None:
    """Return the width of the terminal that stdout is, None when it is none."""
    console = Console()
    return console.width if console.is_terminal else None


def print_table(columns: Sequence[TableColumn], rows: Sequence[Row]) -> None:
    """Print a table on stdout."""
    print_whole(make_table(columns, rows, terminal_width()))


def print_whole(renderable: RenderableType) -> None:
    """Print something on stdout without cutting or wrapping it, and without padding at the end.

    Padding up to the longest line would make a narrower terminal wrap every line.
    """
    width = needed_width(renderable)
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(renderable, crop=False)
    lines = captured.get().split("\n")
    click.echo("\n".join(_PADDING.sub(_without_spaces, line) for line in lines), nl=False)


def _without_spaces(padding: re.Match[str]) -> str:
    """Return the control sequences within the padding at the end of a line."""
    return padding.group().replace(" ", "")
