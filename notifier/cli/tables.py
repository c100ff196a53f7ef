"""Tables for terminals and pipes: ids stay whole, and columns give way to a narrow terminal.

Off a terminal a table has all its columns at their full width, one line a row. On a terminal
texts that may be cut are cut, and the columns that matter least are left out until the rest fits.
What must stay is never cut or wrapped: if it is wider than the terminal, its lines are too. Where
nothing fits beside it, the other columns get a second line.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from notifier.texts.cleaning import printable

_WIDEST = 100_000
_INDENT = "  "
_PADDING = re.compile(r"(?:\x1b\[[0-9;]*m| )+$")

Cell = RenderableType
Row = Sequence[Cell]


class TableColumn(NamedTuple):
    """A column; the one with the highest `drop` is left out first, one with 0 never.

    Texts in it may be cut to `shortest` characters on a terminal; None: never cut.
    """

    title: str
    drop: int = 0
    shortest: int | None = None


class LineTable:
    """A table as lines of text, with every column as wide as it needs.

    It looks like rich's table, which takes a millisecond a row.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        drawn: dict[int, str] = {}  # a cell that is not text may stand in many rows
        cells = [[_plain(cell, drawn) for cell in row] for row in rows]
        widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
        self.lines = [_line(row, widths) for row in cells]

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(self.lines), no_wrap=True)


def _plain(cell: Cell, drawn: dict[int, str]) -> str:
    if isinstance(cell, str | Text):
        return printable(str(cell))
    if id(cell) not in drawn:
        text = click.unstyle(_printed(cell)).rstrip("\n")
        drawn[id(cell)] = set_cell_size(text, needed_width(cell))
    return drawn[id(cell)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))
    return f" {'  '.join(padded)}".rstrip()


def make_table(
    columns: Sequence[TableColumn], rows: Sequence[Row], width: int | None
) -> RenderableType:
    """Return the table with what fits into `width`; all of it if that is None."""
    if width is None:
        return LineTable([[each.title for each in columns], *rows])
    whole = _table(columns, rows)
    if needed_width(whole) <= width:
        return whole
    shown = _fitting(columns, rows, width)
    if len(shown) == 1 < len(columns):
        return _stacked(columns, rows, shown[0], width)
    return _filled(columns, rows, shown, width)


def _fitting(columns: Sequence[TableColumn], rows: Sequence[Row], width: int) -> list[int]:
    """Return the positions of the columns that fit, at least of one."""
    shown = list(range(len(columns)))
    while len(shown) > 1 and needed_width(_picked(columns, rows, shown)) > width:
        last = max(shown, key=lambda index: columns[index].drop)
        if columns[last].drop == 0:
            break
        shown.remove(last)
    return shown


def _filled(
    columns: Sequence[TableColumn], rows: Sequence[Row], shown: Sequence[int], width: int
) -> Table:
    """Return the table of some columns; texts that may be cut get the room that is left."""
    spare = max(width - needed_width(_picked(columns, rows, shown)), 0)
    return _picked(columns, rows, shown, spare)


def _stacked(
    columns: Sequence[TableColumn], rows: Sequence[Row], first: int, width: int
) -> RenderableType:
    """Return two lines a row: the column `first` alone, and below it what fits of the others."""
    others = [index for index in range(len(columns)) if index != first]
    rest = [columns[index] for index in others]
    cells = [[row[index] for index in others] for row in rows]
    room = width - len(_INDENT)
    table = _filled(rest, cells, _fitting(rest, cells, room), room)
    console = Console(width=needed_width(table), markup=False, emoji=False, highlight=False)
    below = console.render_lines(table)
    above = [
        Text(f" {columns[first].title}", "table.header"),
        *(_after_space(row[first]) for row in rows),
    ]
    return Group(
        *(part for pair in zip(above, map(_indented, below), strict=True) for part in pair)
    )


def _after_space(cell: Cell) -> Cell:
    return Text(f" {printable(cell)}") if isinstance(cell, str) else cell


def _indented(line: Sequence[Segment]) -> Text:
    return Text.assemble(_INDENT, *((part.text, part.style or "") for part in line))


def _picked(
    columns: Sequence[TableColumn], rows: Sequence[Row], shown: Sequence[int], spare: int = 0
) -> Table:
    """Return the table of some columns, with `spare` characters more than the shortest texts."""
    picked = [columns[index] for index in shown]
    return _table(
        picked, [[_cut(row[i], columns[i].shortest, spare) for i in shown] for row in rows]
    )


def _cut(cell: Cell, shortest: int | None, spare: int) -> Cell:
    if shortest is None or not isinstance(cell, str):
        return cell
    text = Text(printable(cell))
    text.truncate(shortest + spare, overflow="ellipsis")
    return text


def _table(columns: Sequence[TableColumn], rows: Sequence[Row]) -> Table:
    table = Table(box=None)
    for column in columns:
        table.add_column(column.title, no_wrap=True, overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(cell: Cell) -> Cell:
    # a text of ours or of a gateway is no markup
    return Text(printable(cell)) if isinstance(cell, str) else cell


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
    if isinstance(renderable, LineTable):
        click.echo("\n".join(renderable.lines))
        return
    lines = _printed(renderable).split("\n")
    click.echo("\n".join(_PADDING.sub(_without_spaces, line) for line in lines), nl=False)


def _printed(renderable: RenderableType) -> str:
    width = needed_width(renderable)
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(renderable, crop=False)
    return captured.get()


def _without_spaces(padding: re.Match[str]) -> str:
    """Return the control sequences within the padding at the end of a line."""
    return padding.group().replace(" ", "")
