"""One run of the benchmark: how long to measure, and what the rivals run on."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.benchmarks import rivals


@dataclass(frozen=True, slots=True)
class Size:
    """How long to measure: rounds, seconds in each, and how many watches are many."""

    rounds: int
    seconds: float
    many: int
    events: int
    rivals: tuple[str, ...]


QUICK = Size(1, 1.5, 5_000, 400, (rivals.STANDARD,))
FULL = Size(5, 3.0, 100_000, 2_000, tuple(rivals.RIVALS))


class Run:
    """What every group of rows is measured with; `say` shows what is measured now."""

    def __init__(self, *, quick: bool, say: Callable[[str], None]) -> None:
        self.quick = quick
        self.size = QUICK if quick else FULL
        self.say = say

    @cached_property
    def python(self) -> Path:
        """The interpreter that has the rivals; raises subprocess.CalledProcessError."""
        if self.quick:
            return Path(sys.executable)  # the tests have the one that is compared with
        self.say("building the rivals")
        return rivals.build()
