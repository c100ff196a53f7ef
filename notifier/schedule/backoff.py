"""Waits: jitter, exponential backoff, and bounds on what a peer asks for."""

from random import Random

SPREAD = 0.2
"""The jitter of every wait, as a share of it, so that tasks do not stay in step."""


def jittered(seconds: float, rng: Random) -> float:
    """Return `seconds` ± 20 %."""
    return seconds * rng.uniform(1 - SPREAD, 1 + SPREAD)


def growing(base: float, failures: int, ceiling: float) -> float:
    """Return the wait after the n-th failure in a row: `base` doubled each time, bounded."""
    return float(min(base * 2 ** min(max(failures - 1, 0), 32), ceiling))


def clamped(seconds: float, low: float, high: float) -> float:
    """Return `seconds` within `low` and `high`."""
    return min(max(seconds, low), high)
