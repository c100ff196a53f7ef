"""Checks that the files that were opened are still at their paths.

SQLite goes on working when its file is deleted or its folder is moved away: commits succeed and
are gone at the next start. So every transaction checks first, and is refused until the same file
(device and inode) is at its path again.
"""

from pathlib import Path

from notifier.errors import StoreError

_Identity = tuple[int, int]


class FileIdentity:
    """Holds device and inode of the files at `paths`; raises OSError when one is missing."""

    def __init__(self, *paths: Path) -> None:
        self._opened = {path: _identity(path) for path in paths}

    def check(self) -> None:
        """Raise StoreError unless the files at the paths are the ones that were there."""
        for path, opened in self._opened.items():
            try:
                found = _identity(path)
            except OSError as error:
                reason = f"cannot be found any more ({error.strerror})"
            else:
                if found == opened:
                    continue
                reason = "is another file than the one that was opened"
            raise StoreError(f"{path} {reason}: put it back, or restart notifier")


def _identity(path: Path) -> _Identity:
    stat = path.stat()
    return stat.st_dev, stat.st_ino
