"""The picture of the demo."""

from tests.pictures.terminal import drawn, screen_after
from tests.process.terminal import bytes_on_terminal

_COLUMNS = 96
_ROWS = 31


async def picture_of_the_demo() -> str:
    """Run `notifier demo` on a terminal and return its last screen as SVG."""
    colours = {"TERM": "xterm-256color", "NO_COLOR": ""}
    printed = await bytes_on_terminal(_COLUMNS, "demo", rows=_ROWS, **colours)
    return drawn(screen_after(printed, _COLUMNS, _ROWS), _COLUMNS, "notifier demo")
