"""Tells whether a database and its write-ahead log belong together, before SQLite opens them.

SQLite copies any valid log that lies beside a database into it: an older copy of the database is
ruined so. Therefore every commit renews a random mark, and keeps the one before it, in a row on a
page of its own. A log fits if its first commit continues from the mark in the database file, or if
the database file has the mark of one of the log's commits (a checkpoint has copied it, in part or
whole). Both files are only read.

Formats: https://www.sqlite.org/fileformat2.html (database header, b-tree pages, WAL frames).
"""

import os
import sqlite3
import struct
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from notifier.errors import StoreRefusedError

_LOG_HEADER = struct.Struct(">8I")  # magic, version, page size, sequence, 2 salts, 2 checksums
_FRAME_HEADER = struct.Struct(">6I")  # page, pages after a commit, 2 salts, 2 checksums
_LOG_MAGICS = {0x377F0682: "<", 0x377F0683: ">"}  # the byte order of the checksums' words
_PAGE_SIZES = {1 << power for power in range(9, 17)}
_DATABASE_HEADER = struct.Struct(">16xH50xI")  # page size, application id
_LEAF_HEADER = struct.Struct(">B2xH3xH")  # type, cells, where the first cell is
_LEAF = 0x0D
_ROW = bytes([36, 1, 4, 0, 44, 44])  # 36 bytes, row 1; a header of 4: NULL and two blobs of 16
_BLOB = 16

_Sums = tuple[int, int]


class Mark(NamedTuple):
    """The mark of a commit, and that of the commit before it (zeros: there was none)."""

    previous: bytes
    mark: bytes


class LoggedMarks(NamedTuple):
    """The marks in a log: that of its first commit with one, and those of all its commits."""

    first: Mark
    all: set[bytes]


def renew_mark(db: sqlite3.Connection) -> None:
    """Give the commit that is being made a mark of its own."""
    db.execute("UPDATE log_mark SET previous = mark, mark = randomblob(16)")


def mark_migration(db: sqlite3.Connection, *, had_mark: bool) -> None:
    """Mark a commit that changes tables, and record in the header on which page the mark stands.

    The commit that makes the mark's table has no mark before it: its `previous` stays zeros.
    """
    if had_mark:
        renew_mark(db)
    (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'log_mark'").fetchone()
    db.execute(f"PRAGMA application_id = {page}")


def refuse_foreign_log(path: Path, log: Path) -> None:
    """Raise StoreRefusedError if the file `log` cannot be that of the database at `path`.

    Opens and closes the database: no SQLite connection of this process may have it open, whose
    locks would be lost. Raises OSError when a file cannot be read.
    """
    if not belongs_to(path, log):
        raise StoreRefusedError(
            f"{path} and {log.name} are not from the same time: put back the file that belongs to "
            f"the other, or move {log.name} away to go on from {path.name} alone (docs/backup.md)"
        )


def belongs_to(path: Path, log: Path) -> bool:
    """Tell whether `log` may be the log of the database at `path`.

    A log of which SQLite would apply nothing fits, and so does one whose commits have no marks.
    """
    logged = None
    with suppress(FileNotFoundError), log.open("rb") as file:
        logged = read_log(file)
    if logged is None:
        return True
    kept = _read_database(path)
    if kept is None:
        return not any(logged.first.previous)
    return kept.mark == logged.first.previous or kept.mark in logged.all


def read_log(file: BinaryIO) -> LoggedMarks | None:
    """Read the marks of a log; None when none of its commits has one.

    Checksums are verified up to the first commit with a mark, so that a transaction that was cut
    off is not taken for it. Behind it they are not: a mark too many refuses nothing.
    """
    header = file.read(_LOG_HEADER.size)
    if len(header) < _LOG_HEADER.size:
        return None
    magic, _, page_size, _, *salts, high, low = _LOG_HEADER.unpack(header)
    order = _LOG_MAGICS.get(magic)
    if order is None or page_size not in _PAGE_SIZES:
        return None
    sums = _checksums(header[:24], (0, 0), order)
    if sums != (high, low):
        return None
    first: Mark | None = None
    pending: Mark | None = None
    marks = set[bytes]()
    while len(frame := file.read(_FRAME_HEADER.size + page_size)) == 24 + page_size:
        _, is_commit, *frame_salts, high, low = _FRAME_HEADER.unpack_from(frame)
        if frame_salts != salts:
            break
        mark = _mark_on(frame[24:])
        if mark is not None:
            marks.add(mark.mark)
        if first is None:
            sums = _checksums(frame[:8] + frame[24:], sums, order)
            if sums != (high, low):
                return None
            pending = mark or pending
            first = pending if is_commit else None
    return None if first is None else LoggedMarks(first, marks)


def _read_database(path: Path) -> Mark | None:
    """Return the mark in the database file itself, None when it has none."""
    with path.open("rb", buffering=0) as file:
        header = os.pread(file.fileno(), _DATABASE_HEADER.size, 0)
        if len(header) < _DATABASE_HEADER.size:
            return None
        page_size, page = _DATABASE_HEADER.unpack(header)
        page_size = 65536 if page_size == 1 else page_size  # how the format writes it
        if page_size not in _PAGE_SIZES or not page:
            return None
        return _mark_on(os.pread(file.fileno(), page_size, (page - 1) * page_size))


def _mark_on(page: bytes) -> Mark | None:
    """Return the mark on a page of a database, None when the page is not the mark's."""
    if len(page) < min(_PAGE_SIZES):
        return None
    kind, cells, start = _LEAF_HEADER.unpack_from(page)
    row = page[start : start + len(_ROW) + 2 * _BLOB]
    if (kind, cells) != (_LEAF, 1) or len(row) < len(_ROW) + 2 * _BLOB or row[:6] != _ROW:
        return None
    return Mark(row[6 : 6 + _BLOB], row[6 + _BLOB :])


def _checksums(content: bytes, sums: _Sums, order: str) -> _Sums:
    """Continue a log's checksums over `content`, eight bytes at a time."""
    words = iter(struct.unpack(f"{order}{len(content) // 4}I", content))
    first, second = sums
    for word, following in zip(words, words, strict=True):
        first = (first + word + second) & 0xFFFFFFFF
        second = (second + following + first) & 0xFFFFFFFF
    return first, second
