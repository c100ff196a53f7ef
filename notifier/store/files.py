"""The store's files by name, and what makes files durable and private.

Beside the database `NAME` there are SQLite's `NAME-wal` and `NAME-shm`, and the lock `NAME.lock`.
"""

import os
from pathlib import Path

from notifier.errors import StoreRefusedError

COMPANIONS = ("-wal", "-shm", "-journal")
"""The endings of the files that SQLite keeps beside a database."""


def real(path: Path) -> Path:
    """Return the file that `path` leads to if it is a symbolic link, as SQLite finds it."""
    return path.resolve() if path.is_symlink() else path


def beside(path: Path, ending: str) -> Path:
    """Return the file named like `path`, or like the target of that link, with `ending`."""
    file = real(path)
    return file.with_name(file.name + ending)


def lock_of(path: Path) -> Path:
    """Return the lock file of the store at `path`."""
    return beside(path, ".lock")


def log_of(path: Path) -> Path:
    """Return SQLite's write-ahead log of the database at `path`."""
    return beside(path, "-wal")


def is_missing(path: Path) -> bool:
    """Tell whether there is no file at `path`, or an empty one."""
    return not path.exists() or not path.stat().st_size


def make_folder(folder: Path) -> None:
    """Make a private folder if it is not there; raises StoreRefusedError and OSError."""
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StoreRefusedError(f"cannot keep state in {folder}: it is not a folder") from None


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read; raises FileExistsError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def remove_database(path: Path) -> None:
    """Remove a database and its companions, as far as they exist."""
    path.unlink(missing_ok=True)
    remove_companions(path)


def remove_companions(path: Path) -> None:
    """Remove what SQLite keeps beside a database, as far as it exists."""
    for ending in COMPANIONS:
        beside(path, ending).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Put what `path` holds onto the disk: a file's bytes, or a folder's names."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
