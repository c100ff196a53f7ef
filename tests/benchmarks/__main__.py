"""`python -m tests.benchmarks [--quick] [--only ROWS]`: everything side by side, in one table.

The rivals are built in a venv of their own the first time. CPU is measured by each process
itself, never wall time, except where a row says seconds. `--quick` takes about a minute,
compares with the AsyncOpenAI that the tests have, and fails on gross regressions alone. `--only`
measures one group of rows; it may be repeated.
"""

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.benchmarks import schedule
from tests.benchmarks.delivery_costs import delivery_rows, fan_out_rows, latency_rows, path_rows
from tests.benchmarks.polling_costs import page_rows, quiet_rows, scale_rows, single_rows
from tests.benchmarks.run import Run
from tests.benchmarks.table import Row, as_table

GROUPS: Mapping[str, Callable[[Run], Iterable[Row]]] = {
    "single": single_rows,
    "quiet": quiet_rows,
    "pages": page_rows,
    "scale": scale_rows,
    "delivery": delivery_rows,
    "fan-out": fan_out_rows,
    "latency": latency_rows,
    "path": path_rows,
    "schedule": lambda run: schedule.reach(quick=run.quick),
}
"""The groups of rows, in the order of the table."""

FULL_ONLY = frozenset({"scale"})
"""Groups that take minutes: `--quick` leaves them out unless they are named."""


def main() -> int:
    """Measure and print; return 1 after a gross regression."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--quick", action="store_true", help="a minute, for CI")
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="these rows alone")
    chosen = parser.parse_args()
    default = [name for name in GROUPS if not (chosen.quick and name in FULL_ONLY)]
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            rows = list(_measure(progress, chosen.only or default, quick=chosen.quick))
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError as error:
        Console(stderr=True).print(f"a measurement failed: {' '.join(map(str, error.cmd))}")
        return 1
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(as_table(rows))
    console.print(_machine())
    return 1 if any(row.is_gross for row in rows) else 0


def _measure(progress: Progress, groups: Iterable[str], *, quick: bool) -> Iterator[Row]:
    task = progress.add_task("", total=None)
    run = Run(quick=quick, say=lambda text: progress.update(task, description=text))
    for name in groups:
        run.say(name)
        yield from GROUPS[name](run)


def _machine() -> str:
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(": ")[2] for line in cpus if line.startswith("model name")), "")
    cores = sum(line.startswith("processor") for line in cpus)
    return (
        f"{cores} cores, {model or platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {datetime.now(tz=UTC):%Y-%m-%d}"
    )


if __name__ == "__main__":
    sys.exit(main())
