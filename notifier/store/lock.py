"""One daemon per store: an advisory lock on a file of its own, and one on the database file.

Either would do as long as nothing is deleted. The lock file is what other processes look at: the
database itself they may not open, because SQLite's POSIX locks on it vanish as soon as any other
descriptor of it in the process is closed. The lock on the database file keeps a second daemon out
when the lock file was deleted. A file that is being made is locked as well, so that two backups do
not write into each other. All of them end with the process, however it ends.
"""

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from notifier import log
from notifier.errors import StoreRefusedError
from notifier.store.files import remove_companions

_PATIENCE = 0.5
_STEP = 0.05
_WHOLE_FILE = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)  # struct flock


class StoreInUseError(StoreRefusedError):
    """Another process owns the store; `pid` is its number, as text."""

    def __init__(self, folder: Path, pid: str) -> None:
        super().__init__(f"notifier is already running on {folder} (pid {pid})")
        self.pid = pid


class FileLock:
    """An exclusive lock on `path`, held from `acquire` to `release`, or in a `with` block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock; raises StoreInUseError when another process has it."""
        # a link could lead to any file, which would be overwritten with a number
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._path, flags, 0o600)
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


class DatabaseLock:
    """An exclusive lock on the database file at `path`, held in a `with` block.

    The block is entered before SQLite opens the file and left after SQLite has closed it, so that
    closing the descriptor costs SQLite no lock. The lock file `beside` it is locked already.
    """

    def __init__(self, path: Path, beside: Path) -> None:
        self._path = path
        self._beside = beside
        self._fd = -1

    def __enter__(self) -> Self:
        """Take the lock; raises StoreRefusedError when another process has it, OSError."""
        self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._lock()
        except BaseException:
            os.close(self._fd)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def _lock(self) -> None:
        if locks_are_shared(self._beside):
            log.get().warning(
                "database_not_locked",
                store=str(self._path),
                hint="on this file system (NFS?) only the lock file keeps a second daemon out",
            )
        elif not _locked(self._fd, fcntl.LOCK_EX):
            raise StoreRefusedError(
                f"another notifier is already running on {self._path}, although its lock file was "
                "deleted: stop it first"
            )


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Make an empty private file at `path` that no other process writes before the block ends.

    What a killed process left there, companions included, is removed. The block is to close the
    file before it ends. Raises StoreRefusedError when another process is writing it, OSError.
    """
    fd = _made_alone(path)
    try:
        if locks_are_shared(path):
            fcntl.flock(fd, fcntl.LOCK_UN)
        yield
    finally:
        os.close(fd)


def _made_alone(path: Path) -> int:
    while True:
        fd, is_new = _opened_or_made(path)
        try:
            _lock_or_refuse(fd, path)
            if _is_at(path, fd):
                remove_companions(path)
                if is_new:
                    return fd
                path.unlink()
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _lock_or_refuse(fd: int, path: Path) -> None:
    if not _locked(fd, fcntl.LOCK_EX):
        raise StoreRefusedError(f"another process is writing {path}: wait until it has ended")


def _opened_or_made(path: Path) -> tuple[int, bool]:
    """Return a descriptor of the file at `path`, and whether it was made just now."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        with suppress(FileExistsError):
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), True
        with suppress(FileNotFoundError):
            return os.open(path, flags), False


def _is_at(path: Path, fd: int) -> bool:
    """Tell whether the file at `path` is still the one that is open."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False


def locks_are_shared(locked: Path) -> bool:
    """Tell whether SQLite would meet a lock such as this process has on the file `locked`.

    On local file systems `flock` and POSIX locks know nothing of each other; on NFS the former is
    made of the latter, and an own lock on the database would keep SQLite out.
    """
    fd = os.open(locked, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _WHOLE_FILE)
    except (OSError, AttributeError):  # not there: on NFS 3, and on other systems than Linux
        return True
    finally:
        os.close(fd)
    (kind, *_) = struct.unpack("hhqqi4x", found)
    return bool(kind != fcntl.F_UNLCK)


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
