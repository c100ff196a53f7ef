"""What was reached, beside what was to be reached."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table

GROSS = 2.0
"""A ratio above this is a gross regression: not half of what was to be reached."""

NEVER_MET = 2.0
"""What has not been reached yet may not cost twice of what it did when it was written down."""


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


def as_table(rows: Iterable[Row]) -> Table:
    """Return the rows, to be printed."""
    table = Table("what", "reached", "reach", "ratio", "", "note")
    for row in rows:
        met = "[green]met[/]" if row.ratio <= 1 else "[red]missed[/]"
        table.add_row(row.what, row.reached, row.reach, f"{row.ratio:.2f}", met, row.note)
    return table
