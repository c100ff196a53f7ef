"""What a healthy endpoint notices of a black hole beside it."""

from statistics import median

from tests.faults.neighbours.measure import measure

WITHIN = 1.5
NOISE = 0.001
"""Seconds that a busy machine puts on top by itself: half of what a delivery takes at all."""

PAIRS = 3
MOST_PAIRS = 9


async def test_a_black_hole_beside_it_does_not_slow_a_healthy_endpoint_down() -> None:
    """On a busy machine one pair says little: more are measured while they say too much."""
    ratios: list[float] = []
    while len(ratios) < PAIRS or (median(ratios) > WITHIN and len(ratios) < MOST_PAIRS):
        alone, beside = await measure(0, 200), await measure(1, 200)
        ratios.append((beside.p99 - NOISE) / alone.p99)
    assert median(ratios) <= WITHIN, ratios
