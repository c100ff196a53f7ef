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
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = await trio.lowlevel.open_process(
        command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean_environment(TERM="xterm"),
    )
    os.close(theirs)
    with trio.fail_after(PATIENCE):
        printed = await trio.to_thread.run_sync(_read_all, ours)
        await process.wait()
    os.close(ours)
    text = printed.decode().replace("\r\n", "\n")
    return _CONTROL.sub("", text)


def _read_all(descriptor: int) -> bytes:
    chunks = []
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except OSError:  # Linux: the other side is closed
        pass
    return b"".join(chunks)
