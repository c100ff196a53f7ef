"""Two minutes of load and faults; the full run is `python -m tests.faults.soak --minutes 20`."""

import os
import sys
from pathlib import Path

import pytest
import trio

from tests.faults.soak import Sample, growth
from tests.process.harness import clean_environment

SECONDS = float(os.environ.get("NOTIFIER_TEST_SOAK_SECONDS", "120"))
SEED = "3"
_SOAK = [sys.executable, "-m", "tests.faults.soak"]
FLAT = Sample(rss=50e6, descriptors=20, threads=5, wal=4e6)


async def test_nothing_grows_and_nothing_is_lost_under_load_and_faults() -> None:
    # a process of its own, as it enters a network namespace where it can
    done = await trio.run_process(
        [*_SOAK, "--minutes", str(SECONDS / 60), "--seed", SEED],
        capture_stdout=True,
        check=False,
        env=clean_environment(),
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout.decode()


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
