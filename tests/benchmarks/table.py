"""What was reached, beside what was to be reached."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table

from tests.benchmarks.rivals import STANDARD

GROSS = 2.0
"""A ratio above this is a gross regression: not half of what was to be reached."""

NEVER_MET = 2.0
"""What has not been reached yet may not cost twice of what it did when it was written down."""

NO_FAILURE = math.inf
"""Time says as much about the machine as about the code: without a rival beside it, it is only
shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `ratio` is how much of the reach is used up: it is met at 1 or less.

    `limit` is the ratio above which it is a gross regression.
    """

    what: str
    reached: str
    reach: str
    ratio: float
    note: str = ""
    limit: float = GROSS

    @property
    def is_gross(self) -> bool:
        """Whether it has become much worse than it was to be, or than it was."""
        return self.ratio > self.limit


def times_less(
    what: str, ours: float, rival: float, reach: float, note: str = "", limit: float = GROSS
) -> Row:
    """Return the row for CPU seconds that shall be `reach` times less than the usual rival's."""
    return Row(
        what,
        f"{microseconds(ours)}: {rival / ours:.1f} times less",
        f"{reach:g} times less than {STANDARD}",
        reach * ours / rival,
        note or f"{STANDARD} {microseconds(rival)}",
        limit,
    )


def microseconds(seconds: float) -> str:
    """Return a short time as text."""
    return f"{seconds * 1e6:.0f} µs"


def as_table(rows: Iterable[Row]) -> Table:
    """Return the rows, to be printed."""
    table = Table("what", "reached", "reach", "ratio", "", "note")
    for row in rows:
        met = "[green]met[/]" if row.ratio <= 1 else "[red]missed[/]"
        table.add_row(row.what, row.reached, row.reach, f"{row.ratio:.2f}", met, row.note)
    return table
