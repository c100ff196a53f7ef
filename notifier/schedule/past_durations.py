"""How long the jobs of a class took, sorted and summed for fast look-ups."""

from array import array
from collections.abc import Collection
from itertools import accumulate

_SHARES = (1 / 6, 1 / 2, 5 / 6)
"""The end of a job lies somewhere within its gap: each job counts as three ends, at these shares
of the gap."""

SAMPLES_PER_JOB = len(_SHARES)

_LONGEST = 10
"""No end counts as later than so many medians."""


class PastDurations:
    """The ends of past jobs, in seconds since each began.

    `ends` is sorted. `sums[i]` is the sum of the first i ends, `variances[i]` the variance of the
    ends from the i-th on (seconds²; infinite when there is none).
    """

    __slots__ = ("ends", "median", "sums", "variances")

    def __init__(self, jobs: Collection[tuple[float, float]], *, finest: float) -> None:
        """Arrange `jobs`, as (duration, gap); no spread is taken to be below `finest`."""
        ends = sorted(
            [max(duration - gap * share, 0.0) for duration, gap in jobs for share in _SHARES]
        )
        self.median = ends[len(ends) // 2] if ends else 0.0
        longest = _LONGEST * self.median
        if ends and ends[-1] > longest:
            ends = [min(end, longest) for end in ends]
        self.ends = array("d", ends)
        self.sums = array("d", accumulate(ends, initial=0.0))
        self.variances = array("d", _variances(ends, finest * finest))


def _variances(ends: list[float], least: float) -> list[float]:
    """Return the variance of every tail of `ends`."""
    totals = accumulate(reversed(ends))
    squares = accumulate([end * end for end in reversed(ends)])
    counted = enumerate(zip(totals, squares, strict=True), start=1)
    # of n ends: the mean of their squares, less the square of their mean
    tails = [max((square - total * total / n) / n, least) for n, (total, square) in counted]
    return [*reversed(tails), float("inf")]
