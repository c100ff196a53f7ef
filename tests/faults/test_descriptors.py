"""A daemon that runs out of file descriptors goes on, and loses nothing."""

import resource
from pathlib import Path

from tests.faults.jobs import begin, finish
from tests.process.harness import running, world

WATCHES = 60
FEW = 40


async def test_with_too_few_descriptors_everything_still_arrives(tmp_path: Path) -> None:
    """Two endpoints and a gateway may have 132 connections; the process has 40 descriptors."""
    async with world(tmp_path) as w:
        receivers = [await w.receiver(delay=0.2), await w.receiver(delay=0.2)]
        for number, receiver in enumerate(receivers):
            settings = {"max_concurrency": 50, "retry_schedule": ["500ms"] * 40}
            w.endpoint(receiver, f"app-{number}", **settings)
        ids = [f"video_{number}" for number in range(WATCHES)]
        begin(w, *ids)

        async with running(w.save(), "--exit-when-done") as daemon:
            resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (FEW, FEW))
            for video_id in ids:
                finish(w, video_id)
            assert await daemon.exit_code() == 0

        for receiver in receivers:
            assert {got.event["data"]["id"] for got in receiver.got} == set(ids)
        assert "Traceback" not in daemon.log_path.read_text()
        assert any("Too many open files" in str(line) for line in daemon.logs())
