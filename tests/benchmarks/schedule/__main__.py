"""`python -m tests.benchmarks.schedule [--quick]`: the rows of the schedule alone."""

import argparse
import sys

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.benchmarks.schedule.rows import SCENES, Row, reach


def main() -> int:
    """Simulate and print; return 1 when a reach is missed by half."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.schedule")
    parser.add_argument("--quick", action="store_true", help="a few seconds instead of minutes")
    quick = parser.parse_args().quick
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("asking about jobs", total=SCENES)
            rows = reach(quick=quick, done=lambda n: progress.update(task, completed=n))
    except KeyboardInterrupt:
        return 130
    Console(width=None if sys.stdout.isatty() else 160).print(_table(rows))
    return 1 if any(row.ratio > _GROSS for row in rows) else 0


_GROSS = 2.0


def _table(rows: list[Row]) -> Table:
    table = Table("what", "reached", "reach", "ratio", "", "note")
    for row in rows:
        met = "[green]met[/]" if row.ratio <= 1 else "[red]missed[/]"
        table.add_row(row.what, row.reached, row.reach, f"{row.ratio:.2f}", met, row.note)
    return table


if __name__ == "__main__":
    sys.exit(main())
