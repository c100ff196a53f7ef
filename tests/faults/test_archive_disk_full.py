"""A disk that fills up with copies of videos: the store on it always has room."""

from pathlib import Path

from tests.archive.contents import Contents
from tests.faults.disks import fill, small_disk
from tests.process.harness import eventually, running
from tests.process.test_archive import archiving, check_copies, complete, told, until_told

SIZE = 3_000_000


async def test_a_full_disk_refuses_copies_and_never_the_events_about_endings(
    tmp_path: Path,
) -> None:
    names = [f"video_{number}" for number in range(8)]
    with small_disk(tmp_path / "state", "16m"):
        async with archiving(tmp_path, Contents(size=SIZE)) as (w, app):
            complete(w, *names)
            async with running(w.save()) as daemon:
                await eventually(
                    lambda: {got.event["data"]["id"] for got in app.got} >= set(names),
                    "every ending",
                )
                await daemon.wait_for_log("not_archived_yet")
                found = await until_told(app, "video.archived", 2)
                assert 2 <= len(found) < 6
                check_copies(w, found, SIZE)
                for said in found.values():  # somebody moves them away
                    Path(said["path"]).unlink()
                await until_told(app, "video.archived", len(found) + 1)
                assert told(app, "video.archive_failed") == {}
                assert await daemon.end() == 0


async def test_a_disk_that_somebody_else_fills_delays_a_copy(tmp_path: Path) -> None:
    with small_disk(tmp_path / "archive", "16m"):
        async with archiving(tmp_path, Contents(size=SIZE)) as (w, app):
            w.config["archive"] = {"dir": str(tmp_path / "archive")}
            filler = fill(tmp_path / "archive")
            complete(w, "video_1")
            async with running(w.save()) as daemon:
                await daemon.wait_for_log("not_archived_yet")
                (line, *_) = daemon.logs("not_archived_yet")
                assert line["reason"] == "the disk is nearly full"
                filler.unlink()
                check_copies(w, await until_told(app, "video.archived", 1), SIZE)
                assert await daemon.end() == 0
