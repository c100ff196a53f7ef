"""Draws what a command shows on a terminal."""

from io import StringIO
from itertools import groupby

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

# rich's own has a font from another site
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

_COLOURS = {"brown": "yellow", "brightbrown": "bright_yellow"}
"""What pyte calls differently from rich."""


def screen_after(printed: bytes, columns: int, rows: int) -> list[Text]:
    """Return the lines of a terminal after `printed`, without empty ones at the end."""
    screen = pyte.Screen(columns, rows)
    pyte.ByteStream(screen).feed(printed)
    lines = [_line(screen, row) for row in range(rows)]
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def drawn(lines: list[Text], columns: int, title: str) -> str:
    """Return an SVG of a terminal that shows `lines`; it needs nothing from elsewhere."""
    console = Console(record=True, width=columns, file=StringIO(), force_terminal=True)
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop", crop=False)
    return console.export_svg(
        title=title, theme=DEFAULT_TERMINAL_THEME, code_format=_SVG, unique_id="notifier"
    )


def _line(screen: pyte.Screen, row: int) -> Text:
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    line = Text()
    for style, run in groupby(cells, _style):
        line.append("".join(cell.data for cell in run), style)
    line.rstrip()
    return line


def _style(cell: pyte.screens.Char) -> Style:
    colour = None if cell.fg == "default" else _COLOURS.get(cell.fg, cell.fg)
    if colour is not None and len(colour) == 6 and all(c in "0123456789abcdef" for c in colour):
        colour = f"#{colour}"
    return Style(color=colour, bold=cell.bold, italic=cell.italics)
