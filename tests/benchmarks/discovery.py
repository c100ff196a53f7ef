"""What discovering and following jobs costs: `python -m tests.benchmarks.discovery [--jobs N]`.

The same running jobs are followed twice, by turns: watched by id, and discovered on the list of
the gateway. The whole daemon runs in a process of its own. Of the CPU seconds only the ratios mean
something.
"""

import argparse
import sys
from statistics import median

from tests.benchmarks.polling import Load, Measured, measure

_INTERVAL = 4.0


def main() -> int:
    """Measure both ways in turns and print them side by side."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.discovery")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    runs: dict[bool, list[Measured]] = {False: [], True: []}
    for _ in range(chosen.rounds):
        for discover, measured in runs.items():
            load = Load(
                chosen.jobs,
                _INTERVAL,
                lists="auto",
                progress=False,
                warm_up=4 * _INTERVAL,
                seconds=2 * _INTERVAL,
                discover=discover,
            )
            measured.append(measure(load))
    by_id, found = runs[False], runs[True]
    lines = (
        f"{chosen.jobs} running jobs, poll interval {_INTERVAL:g} s, {chosen.rounds} rounds",
        _line("CPU s to follow them for 8 s", *(_cpu(each) for each in (by_id, found))),
        _line("requests meanwhile", *(_requests(each) for each in (by_id, found))),
        _line("CPU s until all are followed", *(_start(each) for each in (by_id, found))),
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _line(what: str, by_id: float, found: float) -> str:
    ratio = found / by_id
    return f"{what:30} by id {by_id:8.2f}, discovered {found:8.2f}: {ratio:.2f} times"


def _cpu(runs: list[Measured]) -> float:
    return median(each.cpu for each in runs)


def _start(runs: list[Measured]) -> float:
    return median(each.start_cpu for each in runs)


def _requests(runs: list[Measured]) -> float:
    return median(float(each.requests) for each in runs)


if __name__ == "__main__":
    sys.exit(main())
