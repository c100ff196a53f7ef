"""A disk that may not be written any more: nothing is sent that could not be recorded."""

from pathlib import Path

from tests.faults.disks import ext4_image, fail_file_system, make_read_only, mounted, small_disk
from tests.faults.jobs import begin, finish
from tests.process.harness import notifier, running, world


async def test_a_disk_that_fails_while_running_stops_neither_polling_nor_the_daemon(
    tmp_path: Path,
) -> None:
    image = ext4_image(tmp_path / "image")
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        with mounted(tmp_path / "state", "-o", "loop,errors=remount-ro", image):
            async with running(w.save()) as daemon:
                await daemon.wait_for_log("poll")
                fail_file_system(tmp_path / "state")
                finish(w, "job")
                await daemon.wait_for_log("poller_waits_for_store")
                assert app.got == []
                assert await daemon.end() == 0

        with mounted(tmp_path / "state", "-o", "loop", image):
            async with running(w.config_path, "--exit-when-done") as daemon:
                assert await daemon.exit_code() == 0
        assert [got.event["data"]["id"] for got in app.got] == ["job"]


async def test_a_read_only_disk_refuses_the_start_in_one_sentence(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state"):
        async with world(tmp_path) as w:
            app = await w.receiver()
            w.endpoint(app)
            w.sandbox.create(video_id="job", duration=0.2)
            w.watch("job")
            async with running(w.save(), "--exit-when-done") as daemon:
                assert await daemon.exit_code() == 0
            make_read_only(tmp_path / "state")
            before = w.store_path.read_bytes()

            refused = await notifier("run", "-c", w.config_path)
            listed = await notifier("watch", "list", "-c", w.config_path)

            assert (refused.returncode, refused.stdout) == (1, "")
            assert refused.stderr == (
                f"notifier: cannot use {w.store_path} as the store: Read-only file system\n"
            )
            # without its log a database in WAL mode cannot be read where none can be made
            assert (listed.returncode, len(listed.stderr.splitlines())) == (1, 1)
            assert w.store_path.read_bytes() == before
