"""Forty downloads under faults; the full run is `python -m tests.faults.archive_soak`."""

from pathlib import Path

from tests.faults.archive_soak import archive_soak

SEED = 20261126


async def test_every_copy_is_whole_by_its_hash_over_faults_and_kills(tmp_path: Path) -> None:
    verdict = await archive_soak(tmp_path, 40, 1, SEED, most_faults=2)

    assert verdict.problems == [], f"seed {SEED}"
    assert verdict.videos == 40
    assert verdict.requests > 40
