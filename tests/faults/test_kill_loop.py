"""Twenty-five SIGKILLs; the full run is `python -m tests.faults.kill_loop --kills 200`."""

from pathlib import Path

from tests.faults.kill_loop import KillLoop, kill_loop
from tests.process.harness import Got, world

SEED = 20261123


async def test_nothing_is_lost_or_made_up_over_twenty_five_kills(tmp_path: Path) -> None:
    verdict = await kill_loop(tmp_path, 25, SEED)

    assert verdict.problems == [], f"seed {SEED}"
    assert verdict.kills == 25
    assert verdict.events >= 25


async def test_the_check_notices_what_is_lost_and_what_is_made_up(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        loop = KillLoop(w, SEED)
        await loop.run(0)
        loop.add_videos()
        app = loop.receivers["good"]
        app.got.append(Got({"webhook-id": "evt_x"}, b'{"data": {"id": "nobody"}}', 0))
        loop.check()
        problems = loop.verdict.problems

    kinds = {problem.partition(":")[0].partition(" at")[0] for problem in problems}
    assert kinds == {"lost", "unexpected", "signature"}
