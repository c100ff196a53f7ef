"""Signals while a command starts or ends: no traceback, and the exit code is the command's own.

Importing a command takes a moment. A signal in that moment would raise KeyboardInterrupt inside
an import, or end the daemon with the exit code of a crash. Until the command handles signals
itself, SIGINT (and for the daemon SIGTERM) ends the process at once, which loses nothing, and a
SIGHUP for the daemon stays pending: it reloads the config once the daemon has started.

A command that is over leaves without the interpreter's own end, which has two ways of dying of
SIGINT instead: it resets the handlers before it is done, and it sends itself a SIGINT if any
`exec` of a text was interrupted, such as the one that makes a dataclass, although the
KeyboardInterrupt was caught.
"""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def install(*, daemon: bool) -> None:
    """Handle signals until the command does; called before anything slow is imported."""
    if not daemon:
        signal.signal(signal.SIGINT, _quit_interrupted)
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _quit)


def restore() -> None:
    """Let SIGINT raise KeyboardInterrupt again, in a command that is imported by now."""
    if signal.getsignal(signal.SIGINT) is _quit_interrupted:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def release() -> None:
    """Deliver a pending SIGHUP, to a process that handles it by now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def leave(code: int) -> None:
    """End the process with `code` once its output is written; never returns.

    A SIGINT meanwhile ends it as interrupted. Output that cannot be written any more is dropped:
    the command has flushed what it vouches for.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.default_int_handler:
            signal.signal(number, _quit_interrupted)
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - contextlib is slow to import, before signals are handled
            stream.flush()
        except (OSError, ValueError):  # a full disk, a closed pipe or stream
            pass
    os._exit(code)


def _quit_interrupted(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def _quit(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)
