"""Runs commands on a terminal of a chosen width."""

import fcntl
import os
import pty
import re
import struct
import termios
from pathlib import Path

import trio

from tests.process.harness import PATIENCE, clean_environment, command

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


async def on_terminal(columns: int, *arguments: str | Path) -> str:
    """Return what a command prints on a terminal with `columns`, without control sequences."""
    printed = await bytes_on_terminal(columns, *arguments)
    return _CONTROL.sub("", printed.decode().replace("\r\n", "\n"))


async def bytes_on_terminal(
    columns: int, *arguments: str | Path, rows: int = 40, **env: str
) -> bytes:
    """Return what a command writes to a terminal of that size, control sequences included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = await trio.lowlevel.open_process(
        command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean_environment(**{"TERM": "xterm", **env}),
    )
    os.close(theirs)
    with trio.fail_after(PATIENCE):
        printed = await trio.to_thread.run_sync(_read_all, ours)
        await process.wait()
    os.close(ours)
    return printed


def _read_all(descriptor: int) -> bytes:
    chunks = []
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except OSError:  # Linux: the other side is closed
        pass
    return b"".join(chunks)
