"""`python -m tests.benchmarks [--quick]`: everything side by side, in one table.

The rivals are built in a venv of their own the first time. CPU is measured by each process
itself, never wall time, except where a row says seconds. `--quick` takes less than a minute,
compares with the AsyncOpenAI that the tests have, and fails on gross regressions alone.
"""

import argparse
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.benchmarks import rivals, schedule
from tests.benchmarks.costs import FULL, QUICK, delivery_rows, polling_rows, scale_rows
from tests.benchmarks.table import Row, as_table


def main() -> int:
    """Measure and print; return 1 after a gross regression."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--quick", action="store_true", help="less than a minute, for CI")
    quick = parser.parse_args().quick
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            rows = list(_measure(progress, quick=quick))
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError as error:
        Console(stderr=True).print(f"a measurement failed: {' '.join(map(str, error.cmd))}")
        return 1
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(as_table(rows))
    console.print(_machine())
    return 1 if any(row.is_gross for row in rows) else 0


def _measure(progress: Progress, *, quick: bool) -> Iterator[Row]:
    task = progress.add_task("building the rivals", total=None)

    def say(text: str) -> None:
        progress.update(task, description=text)

    size = QUICK if quick else FULL
    python = Path(sys.executable) if quick else rivals.build()
    yield from polling_rows(size, python, say)
    if not quick:  # a minute and a half
        yield from scale_rows(size, say)
    yield from delivery_rows(size, say)
    say("the schedule")
    yield from schedule.reach(quick=quick)


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
