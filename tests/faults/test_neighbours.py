"""What a healthy endpoint notices of a black hole beside it."""

from statistics import median

from tests.faults.neighbours.measure import Figures, measure

WITHIN = 1.5
PAIRS = 3
MOST_PAIRS = 15


async def test_a_black_hole_beside_it_does_not_slow_a_healthy_endpoint_down() -> None:
    """On a busy machine one pair says little: more are measured while they say too much."""
    alone: list[Figures] = []
    beside: list[Figures] = []
    while len(alone) < PAIRS or (_slower(alone, beside) > WITHIN and len(alone) < MOST_PAIRS):
        alone.append(await measure(0, 200))
        beside.append(await measure(1, 200))
    assert _slower(alone, beside) <= WITHIN, (alone, beside)


def _slower(alone: list[Figures], beside: list[Figures]) -> float:
    """Return how many times slower it is beside: over all rounds, as each has its own noise."""
    return median(one.p99 for one in beside) / median(one.p99 for one in alone)
