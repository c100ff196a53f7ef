"""Two minutes of load and faults; the full run is `python -m tests.faults.soak --minutes 20`."""

import os
from pathlib import Path

import pytest

from tests.faults.soak import Sample, growth, soak

SECONDS = float(os.environ.get("NOTIFIER_TEST_SOAK_SECONDS", "120"))
SEED = 3
FLAT = Sample(rss=50e6, descriptors=20, threads=5, wal=4e6)


async def test_nothing_grows_and_nothing_is_lost_under_load_and_faults(tmp_path: Path) -> None:
    verdict = await soak(tmp_path, SECONDS, SEED)

    assert verdict.problems == [], str(verdict)
    assert verdict.videos > SECONDS / 2
    assert len(verdict.samples) > SECONDS / 8
    assert verdict.rotations > 0


def test_what_stays_flat_is_no_growth() -> None:
    assert growth([FLAT] * 100) == []


@pytest.mark.parametrize("name", ["rss", "descriptors", "threads", "wal"])
def test_what_leaks_is_noticed(name: str) -> None:
    leaking = [
        Sample(**{**vars_of(FLAT), name: vars_of(FLAT)[name] * (1 + number / 20)})
        for number in range(100)
    ]
    assert any(found.startswith(name) for found in growth(leaking))


def vars_of(sample: Sample) -> dict[str, float]:
    return {
        "rss": sample.rss,
        "descriptors": sample.descriptors,
        "threads": sample.threads,
        "wal": sample.wal,
    }
