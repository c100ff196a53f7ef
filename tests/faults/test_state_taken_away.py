"""The state folder goes away under a running daemon: nothing is committed to nowhere."""

import shutil
from pathlib import Path

from tests.faults.jobs import begin, finish
from tests.process.harness import running, world


async def test_a_folder_that_is_moved_away_and_back_costs_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        folder, elsewhere = w.store_path.parent, tmp_path / "elsewhere"
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("poll")
            folder.rename(elsewhere)
            finish(w, "job")
            await daemon.wait_for_log("poller_waits_for_store")
            (error, *_) = daemon.logs("poller_waits_for_store")
            assert error["reason"] == (
                f"{w.store_path} cannot be found any more (No such file or directory): "
                "put it back, or restart notifier"
            )
            assert app.got == []
            assert not folder.exists()

            elsewhere.rename(folder)
            await app.wait_for(1)
            assert await daemon.end() == 0
        assert [got.event["data"]["id"] for got in app.got] == ["job"]


async def test_a_folder_that_is_deleted_is_not_made_anew_before_the_next_start(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("poll")
            shutil.rmtree(w.store_path.parent)
            finish(w, "job")
            await daemon.wait_for_log("poller_waits_for_store")
            assert await daemon.end() == 0
        assert not w.store_path.parent.exists()
        assert app.got == []

        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        assert [got.event["data"]["id"] for got in app.got] == ["job"]
