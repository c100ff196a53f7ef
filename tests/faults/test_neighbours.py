"""The latency of a healthy endpoint beside a black hole."""

from statistics import median

from tests.faults.neighbours.measure import NOISE, Figures, measure

WITHIN = 1.5
PAIRS = 3
MOST_PAIRS = 15


async def test_a_black_hole_beside_it_does_not_slow_a_healthy_endpoint_down() -> None:
    """On a busy machine one pair says little: more are measured while they say too much.

    There the ratio has no meaning: milliseconds are the scheduler's. What counts is whether
    anything waits for the hole, which takes five times `NOISE`.
    """
    alone: list[Figures] = []
    beside: list[Figures] = []
    while len(alone) < PAIRS or (_slower(alone, beside) and len(alone) < MOST_PAIRS):
        alone.append(await measure(0, 200))
        beside.append(await measure(1, 200))
    assert not _slower(alone, beside), (alone, beside)


def _slower(alone: list[Figures], beside: list[Figures]) -> bool:
    """Compare the medians over all rounds, as each round has its own noise."""
    usual, found = (median(one.p99 for one in figures) for figures in (alone, beside))
    return found > WITHIN * usual and found > usual + NOISE


def test_an_endpoint_that_waits_for_the_hole_beside_it_would_be_noticed() -> None:
    assert _slower([Figures(0.002, 0.005)] * 3, [Figures(0.002, 0.5)] * 3)
