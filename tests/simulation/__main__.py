"""`python -m tests.simulation --seeds N [--first K] [--days D]`: as long as one likes."""

import argparse
import sys
import time

from tests.simulation.run import simulate


def main() -> int:
    """Run the seeds; return 1 as soon as one has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--days", type=float, default=5.0)
    chosen = parser.parse_args()
    began, events, duplicates = time.monotonic(), 0, 0
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        verdict = simulate(seed, days=chosen.days)
        events += verdict.events
        duplicates += verdict.duplicates
        if verdict.problems:
            print(f"seed {seed} failed; replay: --first {seed} --seeds 1 --days {chosen.days}")
            print("\n".join(verdict.problems))
            return 1
    took = time.monotonic() - began
    simulated = chosen.seeds * chosen.days
    print(
        f"{chosen.seeds} seeds, {simulated:g} days, {events} events, {duplicates} duplicates, "
        f"nothing lost, nothing unexpected; {took:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
