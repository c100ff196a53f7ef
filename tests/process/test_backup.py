"""`notifier backup` and `restore` beside a real daemon, and what a restored backup sends."""

import signal
from pathlib import Path

from tests.process.harness import notifier, running, world

VIDEOS = ("video_1", "video_2")
RESTORED = "the state from before is kept in"


async def test_a_restored_backup_sends_the_same_events_under_the_same_ids(tmp_path: Path) -> None:
    async with world(tmp_path, speed=20) as w:
        receiver = await w.receiver()
        w.endpoint(receiver)
        w.watch(*VIDEOS)
        for video in VIDEOS:
            w.sandbox.create(video_id=video, ending="stuck", duration=1)
        config = w.save()
        backup = tmp_path / "notifier.backup"
        async with running(config) as daemon:
            made = await notifier("backup", backup, "-c", config)
            assert (made.returncode, made.stderr) == (0, "")
            assert "checked" in made.stdout
            refused = await notifier("restore", backup, "-c", config)
            assert refused.returncode == 1
            assert "stop it first" in refused.stderr
            for video in VIDEOS:
                w.sandbox.create(video_id=video, ending="completed", duration=1)
            await receiver.wait_for(2)
            await daemon.end()
        restored = await notifier("restore", backup, "-c", config)
        assert (restored.returncode, restored.stderr) == (0, "")
        assert RESTORED in restored.stdout
        async with running(config) as daemon:
            await receiver.wait_for(4)
            await daemon.end()

    assert len({got.id for got in receiver.got}) == 2
    again = await notifier("backup", backup, "-c", config)
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert "Traceback" not in again.stderr


async def test_no_command_touches_a_database_and_a_log_of_different_times(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.watch("video_1")
        w.sandbox.create(video_id="video_1", ending="stuck", duration=1)
        config = w.save()
        async with running(config) as daemon:
            await daemon.end()
        older = w.store_path.read_bytes()
        for sign in (signal.SIGTERM, signal.SIGKILL):  # the first moves the database on
            async with running(config) as daemon:
                await daemon.end(sign)
        w.store_path.write_bytes(older)
        files = [w.store_path, w.store_path.with_name("notifier.db-wal")]
        before = [file.read_bytes() for file in files]
        assert all(before)
        for command in (["run"], ["status"], ["backup", tmp_path / "copy"]):
            done = await notifier(*command, "-c", config)
            assert done.returncode == 1
            assert "not from the same time" in done.stderr
            assert len(done.stderr.splitlines()) == 1
            assert [file.read_bytes() for file in files] == before
