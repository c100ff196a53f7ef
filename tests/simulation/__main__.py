"""`python -m tests.simulation --seeds N [--first K] [--days D]`: as long as one likes.

With `--instances` several instances on one database live a quarter of an hour each seed.
"""

import argparse
import sys
import time

from tests.simulation.checker import Verdict
from tests.simulation.cluster_life import live
from tests.simulation.run import simulate


def main() -> int:
    """Run the seeds; return 1 as soon as one has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--days", type=float, default=5.0)
    parser.add_argument("--instances", action="store_true")
    chosen = parser.parse_args()
    if chosen.instances:
        return _live(range(chosen.first, chosen.first + chosen.seeds))
    began, total = time.monotonic(), Verdict()
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        verdict = simulate(seed, days=chosen.days)
        total.add(verdict)
        if sys.stderr.isatty():
            print(f"\r{total}", end="", file=sys.stderr)
        if verdict.problems:
            print(f"seed {seed} failed; replay: --first {seed} --seeds 1 --days {chosen.days}")
            print("\n".join(verdict.problems))
            return 1
    took = time.monotonic() - began
    simulated = chosen.seeds * chosen.days
    print(
        f"{chosen.seeds} seeds, {simulated:g} days: {total}; nothing lost, unexpected or late; "
        f"{took:.0f} s"
    )
    return 0


def _live(seeds: range) -> int:
    """Run seeds of several instances; return 1 as soon as one has failed."""
    began, troubles = time.monotonic(), 0
    for seed in seeds:
        life = live(seed)
        troubles += life.troubles
        if life.problems:
            print(f"seed {seed} failed; replay: --instances --first {seed} --seeds 1")
            print("\n".join(life.problems))
            return 1
    took = time.monotonic() - began
    print(f"{len(seeds)} seeds, {troubles} troubles: nothing lost, doubled or stray; {took:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
