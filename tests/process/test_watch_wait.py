"""`watch add --wait`: ends with the event, with the daemon, and at once where none runs."""

import signal
import subprocess
from pathlib import Path

import trio

from tests.process.harness import (
    PATIENCE,
    clean_environment,
    command,
    eventually,
    notifier,
    running,
    world,
)


async def test_without_a_daemon_it_says_so_and_ends(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        done = await notifier("watch", "add", "job", "--wait", "-c", w.save())
    assert done.returncode == 1
    assert "no daemon is running" in done.stderr
    assert f"notifier run -c {w.config_path}" in done.stderr


async def test_a_failed_job_is_reported_with_its_reason(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.sandbox.create(video_id="job", duration=0.3, ending="failed")
        async with running(w.save()):
            failed = await notifier("watch", "add", "job", "--wait", "-c", w.config_path)
            again = await notifier("watch", "add", "job", "--wait", "-c", w.config_path)
        body = (await notifier("events", "list", "-c", w.config_path)).stdout
    assert "video.failed" in body
    for done in (failed, again):
        assert done.returncode == 1
        line = done.stdout.splitlines()[-1]
        assert line.startswith("video.failed job (evt_")
        assert "): " in line
        assert len(line.partition("): ")[2]) > 5


async def test_ctrl_c_ends_it_without_a_traceback_and_the_watch_stays(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.sandbox.create(video_id="job", duration=600)
        async with running(w.save()) as daemon:
            for sign in (signal.SIGINT, signal.SIGTERM):
                process = await trio.lowlevel.open_process(
                    command("watch", "add", "job", "--wait", "-c", w.config_path),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=clean_environment(),
                )
                assert process.stdout is not None
                first = await process.stdout.receive_some()
                await daemon.wait_for_log("poll")
                process.send_signal(sign)
                with trio.fail_after(PATIENCE):
                    output = first + b"".join([chunk async for chunk in process.stdout])
                await process.stdout.aclose()
                assert await process.wait() == 130
                assert b"Traceback" not in output
            rows = (await notifier("watch", "list", "-c", w.config_path)).stdout
    assert "job" in rows


async def test_it_ends_when_the_daemon_ends(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.sandbox.create(video_id="job", duration=600)
        done: list[subprocess.CompletedProcess[str]] = []

        async def wait() -> None:
            done.append(await notifier("watch", "add", "job", "--wait", "-c", w.config_path))

        async with running(w.save()) as daemon, trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await daemon.wait_for_log("poll")
            await daemon.end()
            await eventually(lambda: bool(done), "the end of --wait")
    assert done[0].returncode == 1
    # the second one if the daemon has ended before the waiting began
    assert any(text in done[0].stderr for text in ("the daemon has ended", "no daemon is running"))
