"""The daemon under strace: system calls made to fail or to kill, and the order they came in."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio

from tests.process.harness import PATIENCE, Daemon, World, clean_environment, command, eventually

# a call that another thread interrupted takes two lines: what it was, and what it came to
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>.*= (-?\d+)")
_UNFINISHED = "<unfinished ...>"
_EVENT_ID = re.compile(r"evt_[0-9a-f]{32}")


def need_strace() -> None:
    """Skip the test where strace is missing, or not allowed to trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is missing (Debian package strace)")
    tried = subprocess.run(
        [shutil.which("strace") or "", "-o", "/dev/null", "true"], capture_output=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"strace may not trace here: {tried.stderr.decode().strip()}")


async def traced(w: World, *options: str) -> tuple[int, Path]:
    """Run the daemon under strace until everything is done; return exit code and trace."""
    trace = w.folder / "trace"
    log = w.folder / "daemon.log"
    with log.open("ab") as errors:
        try:
            with trio.fail_after(PATIENCE):
                done = await trio.run_process(
                    [
                        *("strace", "-f", "-y", "-s", "5000", "-o", str(trace), *options),
                        *command("run", "-c", w.config_path, "--exit-when-done"),
                    ],
                    stderr=errors,
                    check=False,
                    env=clean_environment(),
                )
        finally:
            _end_daemon(w)
    return done.returncode, trace


@asynccontextmanager
async def meddled_with(daemon: Daemon, call: str, effect: str) -> AsyncIterator[None]:
    """Let `call` have `effect` in a running daemon for as long as the block lasts.

    Both are in strace's words; calls are counted by thread, from now on.
    """
    said = daemon.log_path.with_name("strace.log")
    with said.open("wb") as errors:
        strace = await trio.lowlevel.open_process(
            [
                *("strace", "-f", "-p", str(daemon.process.pid), "-o", "/dev/null"),
                *("-e", f"trace={call}", "-e", f"inject={call}:{effect}"),
            ],
            stderr=errors,
        )
    try:
        await eventually(lambda: b"attached" in said.read_bytes(), "strace to be attached")
        yield
    finally:
        with trio.CancelScope(shield=True):
            with suppress(ProcessLookupError):
                strace.send_signal(signal.SIGINT)  # it lets go, and the daemon goes on
            await strace.wait()


def _end_daemon(w: World) -> None:
    """Kill the traced daemon if it is still there: ending strace does not end it."""
    with suppress(OSError, ValueError):
        pid = int(w.store_path.with_name("notifier.db.lock").read_text())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"notifier" in arguments:
            os.kill(pid, signal.SIGKILL)


def sent_too_early(lines: Sequence[str]) -> list[str]:
    """Return the ids of events that were sent before the log that holds them was synced."""
    written: set[str] = set()
    durable: set[str] = set()
    early = []
    for name, arguments, result in _calls(lines):
        if name == "pwrite64" and "-wal>" in arguments:
            written.update(_EVENT_ID.findall(arguments))
        elif name == "fdatasync" and "-wal>" in arguments and result == 0:
            durable |= written
        elif name in {"sendto", "write"} and "POST " in arguments:
            early += [event for event in _EVENT_ID.findall(arguments) if event not in durable]
    return early


def connected_before(lines: Sequence[str], port: int) -> set[str]:
    """Return the ids of events that were durable when `port` was first connected to."""
    durable: set[str] = set()
    written: set[str] = set()
    for name, arguments, result in _calls(lines):
        if name == "pwrite64" and "-wal>" in arguments:
            written.update(_EVENT_ID.findall(arguments))
        elif name == "fdatasync" and "-wal>" in arguments and result == 0:
            durable |= written
        elif name == "connect" and f"htons({port})" in arguments:
            return durable
    return set()


def _calls(lines: Sequence[str]) -> Iterator[tuple[str, str, int | None]]:
    """Yield name, arguments and result; a sync when it is over, all others when they begin."""
    pending: dict[str, str] = {}
    for line in lines:
        if resumed := _RESUMED.match(line):
            thread, name, result = resumed.groups()
            if name == "fdatasync":
                yield name, pending.pop(thread, ""), int(result)
        elif call := _CALL.match(line):
            thread, name, arguments = call.groups()
            if name == "fdatasync" and arguments.endswith(_UNFINISHED):
                pending[thread] = arguments
            else:
                result = arguments.rpartition(" = ")[2].split(" ")[0]
                yield name, arguments, int(result) if result.lstrip("-").isdigit() else None
