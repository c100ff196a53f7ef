"""Signals while a command starts: it ends without a traceback, and the daemon is not killed.

Importing a command takes a moment. A signal in that moment would raise KeyboardInterrupt inside
an import, or end the daemon with the exit code of a crash. Until the command handles signals
itself, SIGINT (and for the daemon SIGTERM) ends the process at once, which loses nothing, and a
SIGHUP for the daemon stays pending: it reloads the config once the daemon has started.
"""

import os
import signal
from types import FrameType

_INTERRUPTED = 130


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


def _quit_interrupted(_number: int, _frame: FrameType | None) -> None:
    os._exit(_INTERRUPTED)


def _quit(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)
