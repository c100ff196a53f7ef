"""The folder of copies: files are private, written aside, synced, and renamed into place.

`FOLDER/GATEWAY/NAME.EXT` is a whole copy, `FOLDER/GATEWAY/.NUMBER.part` the beginning of one.
Every method blocks and raises OSError.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from notifier.model.follow_up import ArchivedFile

_PIECE = 1024 * 1024
_SPARE = 256 * 1024 * 1024
_SPARE_SHARE = 20
_PART = re.compile(r"\.[0-9]+\.part")


@dataclass(frozen=True, slots=True)
class ArchiveFolder:
    """Copies below `path`."""

    path: Path

    def place(self, gateway: str, name: str) -> Path:
        """Return where a whole copy goes."""
        return self.path / gateway / name

    def part(self, gateway: str, number: int) -> Path:
        """Return where a copy is written before it is whole."""
        return self.path / gateway / f".{number}.part"

    def open_part(self, part: Path, kept: int) -> BinaryIO:
        """Open a part for writing behind its first `kept` bytes; make it if it is not there."""
        self.path.mkdir(parents=True, mode=0o700, exist_ok=True)
        part.parent.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.fdopen(os.open(part, flags, 0o600), "r+b", buffering=0)
        try:
            file.truncate(kept)
            file.seek(kept)
        except BaseException:
            file.close()
            raise
        return file

    def put(self, part: Path, file: ArchivedFile) -> None:
        """Put a part that is whole and synced into place."""
        place = Path(file.path)
        part.replace(place)
        _sync(place.parent)
        _sync(place.parent.parent)

    def finish(self, part: Path, file: ArchivedFile) -> bool:
        """Put a part into place that was whole before a crash; return whether the copy is there.

        It may have been put there already.
        """
        for there in (part, Path(file.path)):
            if size_of(there) == file.bytes and digest(there) == file.sha256:
                self.put(there, file)
                return True
        return False

    def size(self) -> int:
        """Return how many bytes the folder holds."""
        return sum(entry.stat(follow_symlinks=False).st_size for entry in self._files())

    def remove(self, path: str | Path) -> int:
        """Remove a file, if it is there; return its size."""
        path = Path(path)
        size = size_of(path)
        if size is not None:
            path.unlink(missing_ok=True)
        return size or 0

    def remove_parts(self, wanted: frozenset[int]) -> None:
        """Remove the parts of copies that nobody waits for."""
        for entry in self._files():
            if _PART.fullmatch(entry.name) and int(entry.name[1:-5]) not in wanted:
                Path(entry.path).unlink(missing_ok=True)

    def _files(self) -> Iterator[os.DirEntry[str]]:
        if not self.path.is_dir():
            return
        with os.scandir(self.path) as folders:
            for folder in folders:
                if folder.is_dir(follow_symlinks=False):
                    with os.scandir(folder.path) as files:
                        yield from (each for each in files if each.is_file(follow_symlinks=False))

    def has_space(self, size: int) -> bool:
        """Tell whether the disk has room for so many bytes, and some to spare for the store."""
        there = self.path
        while not there.exists():
            there = there.parent
        disk = os.statvfs(there)
        spare = min(_SPARE, disk.f_blocks * disk.f_frsize // _SPARE_SHARE)
        return disk.f_bavail * disk.f_frsize >= size + spare


def size_of(path: Path) -> int | None:
    """Return the size of a regular file, None if there is none."""
    try:
        return path.lstat().st_size if path.is_file() and not path.is_symlink() else None
    except FileNotFoundError:
        return None


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_beginning(file: BinaryIO, length: int) -> "hashlib._Hash | None":
    """Return a SHA-256 that has read the first bytes of a file, None if they are not there."""
    found, left = hashlib.sha256(), length
    file.seek(0)
    while left:
        piece = file.read(min(left, _PIECE))
        if not piece:
            return None
        found.update(piece)
        left -= len(piece)
    return found


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
