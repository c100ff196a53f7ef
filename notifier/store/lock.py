"""One daemon per store: an advisory lock on a file of its own.

It is not on the database itself: SQLite uses POSIX locks there, which vanish as soon as any
other descriptor of the same file is closed. The lock ends with the process, however it ends.
"""

import fcntl
import os
import time
from pathlib import Path

from notifier.errors import StoreRefusedError

_PATIENCE = 0.5
_STEP = 0.05


class StoreInUseError(StoreRefusedError):
    """Another process owns the store; `pid` is its number, as text."""

    def __init__(self, folder: Path, pid: str) -> None:
        super().__init__(f"notifier is already running on {folder} (pid {pid})")
        self.pid = pid


class FileLock:
    """An exclusive lock on `path`, held from `acquire` to `release`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises StoreInUseError when another process has it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # a command that looks whether a daemon runs holds the lock for a moment
        patience_ends = time.monotonic() + _PATIENCE
        while not _locked(fd, fcntl.LOCK_EX):
            if time.monotonic() > patience_ends:
                holder = os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
                os.close(fd)
                raise StoreInUseError(self._path.parent, holder)
            time.sleep(_STEP)  # the event loop is not running yet
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Release the lock; the file stays, so that no process ever locks a deleted one."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def is_locked(path: Path) -> bool:
    """Tell whether a living process holds the lock on `path`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _locked(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def _locked(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
