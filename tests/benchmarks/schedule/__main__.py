"""`python -m tests.benchmarks.schedule [--quick]`: the rows of the schedule alone."""

import argparse
import sys

from rich.console import Console
from rich.progress import Progress

from tests.benchmarks.schedule.rows import SCENES, reach
from tests.benchmarks.table import as_table


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
    Console(width=None if sys.stdout.isatty() else 160).print(as_table(rows))
    return 1 if any(row.is_gross for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
