"""Signals at any moment of a start or an end: no traceback, and an orderly end's exit code."""

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
import trio

from notifier.store.files import lock_of
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
            {send}
sys.meta_path.insert(0, Finder())
sys.argv[1:] = {arguments!r}
from notifier.__main__ import main
main()
"""
SEND = "os.kill(os.getpid(), signal.{})"


async def signalled(
    folder: Path, moment: str, send: str, *arguments: str | Path
) -> subprocess.CompletedProcess[bytes]:
    """Run notifier, where `send` is executed when the module `moment` is about to be imported."""
    return await run_code(folder, SIGNAL_SELF, arguments, moment=moment, send=send)


async def run_code(
    folder: Path, template: str, arguments: Sequence[str | Path], **values: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that calls notifier with `arguments`, in the way of `python -m notifier`."""
    code = template.format(arguments=[*map(str, arguments)], **values)
    (folder / "program.py").write_text(code)
    with trio.fail_after(PATIENCE):
        return await trio.run_process(
            [sys.executable, "-m", "program"],
            cwd=folder,
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
        done = await signalled(tmp_path, moment, SEND.format(sign.name), "run", "-c", w.save())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"sent\n", b"")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_a_daemon_that_is_stopped_while_it_waits_for_its_store_ends_with_0(
    sign: signal.Signals, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        config = w.save()
        async with running(config) as daemon:
            assert await daemon.end() == 0
        (store,) = tmp_path.rglob("notifier.db")
        with closing(sqlite3.connect(store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with running(config, started=False) as daemon:
                pid = f"{daemon.process.pid}\n"
                await eventually(lambda: lock_of(store).read_text() == pid, "its lock")
                assert await daemon.end(sign) == 0
    assert daemon.logs("started")[1:] == []


@pytest.mark.parametrize("moment", ["click.core", "pydantic.main", "rich.table"])
async def test_ctrl_c_while_a_command_starts_is_130_without_a_traceback(
    moment: str, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        done = await signalled(
            tmp_path, moment, SEND.format("SIGINT"), "watch", "list", "-c", w.save()
        )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"sent\n", b"")


@pytest.mark.parametrize("send", [SEND.format("SIGINT"), f'exec("{SEND.format("SIGINT")}")'])
async def test_ctrl_c_while_a_command_imports_more_is_130_even_inside_an_exec(
    send: str, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        moment = "notifier.cli.config_loading"
        done = await signalled(tmp_path, moment, send, "watch", "add", "job", "-c", w.save())
    assert (done.returncode, done.stdout, done.stderr) == (130, b"sent\n", b"\n")


SIGNAL_AT_EXIT = """
import os, signal, sys
class Signalling:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
        kill(pid, number)
signalling = Signalling()  # lives until the interpreter takes its modules apart
sys.argv[1:] = {arguments!r}
from notifier.__main__ import main
main()
"""


async def test_a_command_that_is_over_is_not_killed_by_a_late_ctrl_c(tmp_path: Path) -> None:
    done = await run_code(tmp_path, SIGNAL_AT_EXIT, ["secret", "--help"])
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Usage: notifier secret" in done.stdout


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
