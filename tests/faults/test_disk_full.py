"""A disk without space: the daemon lives on, sends nothing it cannot record, and catches up."""

import signal
from pathlib import Path

from tests.faults.disks import fill, small_disk
from tests.faults.jobs import begin, finish
from tests.process.harness import Got, Receiver, World, eventually, notifier, running, world


def polls_of(w: World, video_id: str) -> int:
    return sum(asked.path.endswith(f"/{video_id}") for asked in w.sandbox.requests)


async def test_an_ending_on_a_full_disk_is_sent_once_there_is_space(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state"):
        async with world(tmp_path) as w:
            app = await w.receiver()
            w.endpoint(app)
            begin(w, "job", "other")
            async with running(w.save()) as daemon:
                await daemon.wait_for_log("poll", 2)
                filler = fill(tmp_path / "state")
                finish(w, "job")
                await daemon.wait_for_log("poller_waits_for_store")
                (error, *_) = daemon.logs("poller_waits_for_store")
                assert "disk is full" in error["reason"]
                polled = polls_of(w, "other")
                await eventually(lambda: polls_of(w, "other") > polled, "polling goes on")
                assert app.got == []

                filler.unlink()
                await app.wait_for(1)
                await eventually(lambda: bool(daemon.logs("attempt")), "the record")
                assert await daemon.end() == 0
            assert [got.event["data"]["id"] for got in app.got] == ["job"]


async def test_a_2xx_that_the_full_disk_cannot_hold_is_recorded_later_and_not_sent_again(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "state"):
        async with world(tmp_path) as w:
            fillers: list[Path] = []

            def use_up(_: Got) -> None:
                fillers.append(fill(tmp_path / "state"))

            app = await w.receiver(before_answer=use_up)
            w.endpoint(app)
            w.sandbox.create(video_id="job", duration=0.5)
            w.watch("job")
            async with running(w.save(), "--exit-when-done") as daemon:
                await daemon.wait_for_log("attempt_not_recorded")
                fillers[0].unlink()
                assert await daemon.exit_code() == 0
            assert len(app.got) == 1


async def test_a_start_on_a_full_disk_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state"):
        async with world(tmp_path) as w:
            app = await w.receiver(answer=None)
            w.endpoint(app)
            w.sandbox.create(video_id="job", duration=0.5)
            w.watch("job")
            async with running(w.save()) as daemon:
                await app.wait_for(1)
                await daemon.end(signal.SIGKILL)
            filler = fill(tmp_path / "state")

            refused = await notifier("run", "-c", w.config_path)

            assert (refused.returncode, refused.stdout) == (1, "")
            (line,) = refused.stderr.splitlines()
            assert "full" in line or "No space" in line

            filler.unlink()
            app.answer = Receiver().answer
            async with running(w.config_path, "--exit-when-done") as daemon:
                assert await daemon.exit_code() == 0
            assert len({(got.id, got.body) for got in app.got}) == 1


async def test_a_new_store_that_found_no_space_is_made_when_there_is_some(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state"):
        async with world(tmp_path) as w:
            app = await w.receiver()
            w.endpoint(app)
            w.sandbox.create(video_id="job", duration=0.5)
            w.watch("job")
            w.save()
            filler = fill(tmp_path / "state")
            refused = await notifier("run", "-c", w.config_path)
            assert refused.returncode == 1
            assert len(refused.stderr.splitlines()) == 1

            filler.unlink()
            async with running(w.config_path, "--exit-when-done") as daemon:
                assert await daemon.exit_code() == 0
            assert len(app.got) == 1
