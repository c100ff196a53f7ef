"""Signals at any moment of a start: no traceback, and the exit code of an orderly end."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.process.harness import PATIENCE, clean_environment, eventually, running, world

# a signal arrives while one of these is being imported; the handlers are there by then
MOMENTS = ("click.core", "pydantic.main", "trio._core", "hypercorn", "notifier.app.daemon")
SIGNAL_SELF = """
import os, signal, sys
from importlib.abc import MetaPathFinder
class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {moment!r}:
            sys.meta_path.remove(self)
            print("sent", flush=True)
            os.kill(os.getpid(), signal.{sign})
sys.meta_path.insert(0, Finder())
sys.argv[1:] = {arguments!r}
from notifier.__main__ import main
main()
"""


async def signalled(
    moment: str, sign: signal.Signals, *arguments: str | Path
) -> subprocess.CompletedProcess[bytes]:
    code = SIGNAL_SELF.format(moment=moment, sign=sign.name, arguments=[*map(str, arguments)])
    with trio.fail_after(PATIENCE):
        return await trio.run_process(
            [sys.executable, "-c", code],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env=clean_environment(),
        )


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_a_daemon_that_is_stopped_while_it_starts_ends_with_0(
    moment: str, sign: signal.Signals, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        done = await signalled(moment, sign, "run", "-c", w.save())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"sent\n", b"")


@pytest.mark.parametrize("moment", ["click.core", "pydantic.main", "rich.table"])
async def test_ctrl_c_while_a_command_starts_is_130_without_a_traceback(
    moment: str, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        done = await signalled(moment, signal.SIGINT, "watch", "list", "-c", w.save())
    assert (done.returncode, done.stdout, done.stderr) == (130, b"sent\n", b"")


async def test_a_daemon_that_gets_sighup_while_it_starts_reloads_afterwards(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with running(w.save(), started=False) as daemon:
            await eventually(lambda: holds_back(daemon.process.pid, signal.SIGHUP), "its start")
            daemon.process.send_signal(signal.SIGHUP)
            await daemon.wait_for_log("started")
            await daemon.wait_for_log("reloaded")
            assert await daemon.end() == 0


def holds_back(pid: int, number: signal.Signals) -> bool:
    """Return whether a process blocks a signal, which notifier's first lines do."""
    (blocked,) = re.findall(
        r"^SigBlk:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE
    )
    return bool(int(blocked, 16) >> (number - 1) & 1)
