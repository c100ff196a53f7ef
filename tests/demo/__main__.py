"""Runs the demo many times beside busy loops.

`python -m tests.demo --rounds 10 --beside 4 --busy 4` runs 40 demos, four at a time, beside four
busy loops (about four minutes). It prints the output of each that failed, and exits with their
number.
"""

import argparse
import sys

from tests.demo.many import run_demos


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--beside", type=int, default=4)
    parser.add_argument("--busy", type=int, default=4)
    wanted = parser.parse_args()
    failed = 0
    for number in range(wanted.rounds):
        for code, output in run_demos(beside=wanted.beside, busy=wanted.busy):
            if code or "Traceback" in output:
                failed += 1
                print(output)
        print(f"round {number + 1}: {failed} failed so far", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
