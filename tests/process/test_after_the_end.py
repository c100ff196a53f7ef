"""What follows a completed ending, by a real daemon."""

import signal
from pathlib import Path

from tests.faults.jobs import begin, finish
from tests.process.harness import Receiver, eventually, running, world
from tests.process.test_reload import hang_up
from tests.process.verifiers import verifies


def types(receiver: Receiver) -> list[str]:
    """Return the types of the events in the order of their first arrival."""
    return list({got.id: got.event["type"] for got in receiver.got}.values())


async def test_a_notice_that_a_video_expires_follows_its_ending_and_no_other(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(expiry_notice="25h")
        begin(w, "one", "two")
        async with running(w.save()) as daemon:
            w.sandbox.create(video_id="two", duration=0.001, ending="failed")
            await app.wait_for(1)
            finish(w, "one")
            await app.wait_for(3)
            assert await daemon.end() == 0
        assert types(app) == ["video.failed", "video.completed", "video.expiring"]
        ending, notice = app.got[1:]
        assert verifies(w.secret, notice)
        assert notice.event["data"] == ending.event["data"]
        assert notice.event["watch"] == ending.event["watch"]
        assert notice.id != ending.id


async def test_a_reload_switches_notices_on_for_videos_that_have_ended_before(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "one", "two")
        async with running(w.save()) as daemon:
            finish(w, "one")
            await app.wait_for(1)
            await daemon.end(signal.SIGKILL)
        async with running(w.save()) as daemon:
            w.gateway(expiry_notice="25h")
            w.save()
            await hang_up(daemon)
            await eventually(lambda: len(types(app)) == 2, "the notice")
            w.gateway()
            w.save()
            await hang_up(daemon)
            finish(w, "two")
            await eventually(lambda: len(types(app)) == 3, "the second ending")
            assert await daemon.end() == 0
        assert types(app) == ["video.completed", "video.expiring", "video.completed"]
