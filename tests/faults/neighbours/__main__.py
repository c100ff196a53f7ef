"""`python -m tests.faults.neighbours`: measure, and print the figures."""

import argparse
import os
from pathlib import Path

import trio

from notifier import log
from tests.faults.neighbours.measure import EVERY, HOLE_TIMEOUT, Comparison, compare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="pairs of rounds (default: 9)")
    parser.add_argument("--events", type=int, default=300, help="events a round (default: 300)")
    parser.add_argument("--holes", type=int, nargs="*", default=[0, 1, 10], help="black holes")
    options = parser.parse_args()
    print(f"{options.events} events a round, one every {EVERY * 1000:g} ms; ", end="")
    print(f"black holes that time out after {HOLE_TIMEOUT:g} s; milliseconds")
    with Path(os.devnull).open("w") as nowhere:
        log.configure(style="json", stream=nowhere)
        for holes in options.holes:
            _show(trio.run(compare, holes, options.rounds, options.events))


def _show(found: Comparison) -> None:
    for alone, beside in found.pairs:
        print(
            f"  alone p50 {alone.p50 * 1000:6.2f} p99 {alone.p99 * 1000:6.2f}"
            f"   beside p50 {beside.p50 * 1000:6.2f} p99 {beside.p99 * 1000:6.2f}"
            f"   p99 ratio {beside.p99 / alone.p99:.2f}"
        )
    print(f"beside {found.holes} black holes: median ratio of p99 {found.ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
