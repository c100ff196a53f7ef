"""Logs cannot be written any more: events are delivered all the same."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.faults.disks import fill, small_disk
from tests.faults.jobs import begin, finish
from tests.process.harness import (
    PATIENCE,
    clean_environment,
    command,
    eventually,
    running,
    world,
)


@asynccontextmanager
async def logging_to(stderr: int, config: Path) -> AsyncIterator[trio.Process]:
    """Run the daemon with `stderr` for both of its outputs; close ours."""
    try:
        process = await trio.lowlevel.open_process(
            command("run", "-c", config),
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            env=clean_environment(),
        )
    finally:
        os.close(stderr)
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            if process.poll() is None:
                process.kill()
            await process.wait()


async def ended(process: trio.Process) -> int:
    process.send_signal(signal.SIGTERM)
    with trio.fail_after(PATIENCE):
        return await process.wait()


def nobody_reads() -> int:
    """Return the writing end of a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("where", ["a full device", "a closed pipe"])
async def test_logs_that_cannot_be_written_stop_no_delivery(where: str, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.config["log"] = {"level": "debug"}
        for number in range(2):
            w.sandbox.create(video_id=f"job-{number}", duration=0.5 + number)
            w.watch(f"job-{number}")
        full = where == "a full device"
        stderr = os.open("/dev/full", os.O_WRONLY) if full else nobody_reads()
        async with logging_to(stderr, w.save()) as process:
            await app.wait_for(2)
            assert await ended(process) == 0


async def test_a_refusal_that_cannot_be_printed_still_has_its_exit_code(tmp_path: Path) -> None:
    for arguments, code in {("run", "-c", "missing.toml"): 78, ("no-such-command",): 2}.items():
        full = os.open("/dev/full", os.O_WRONLY)
        with trio.fail_after(PATIENCE):
            done = await trio.run_process(
                command(*arguments),
                stderr=full,
                check=False,
                env=clean_environment(),
                cwd=tmp_path,
            )
        os.close(full)
        assert done.returncode == code


async def test_logs_go_on_in_whole_lines_when_their_disk_has_space_again(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    with small_disk(logs, "256k"):
        async with world(logs) as w:
            app = await w.receiver()
            w.endpoint(app)
            begin(w, "job", "endless")
            w.config |= {"log": {"level": "debug"}, "store": {"path": str(tmp_path / "n.db")}}
            async with running(w.save()) as daemon:
                await daemon.wait_for_log("poll")
                filler = fill(logs)
                finish(w, "job")
                await app.wait_for(1)
                polled = len(w.sandbox.requests)
                await eventually(lambda: len(w.sandbox.requests) > polled + 5, "polling goes on")
                filler.unlink()
                before = len(daemon.logs())
                await eventually(lambda: len(daemon.logs()) > before + 5, "logging goes on")
                assert await daemon.end() == 0
            assert daemon.logs("stopped")
            lines = daemon.log_path.read_text().splitlines()
            assert len(lines) - len(daemon.logs()) <= 1
