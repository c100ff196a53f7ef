"""The drop-in folder: what each file in it lists. A file is read again only when it has changed.

A file that cannot be used is reported once and skipped until it changes; what it listed when it
was last good stays listed. A missing or unreadable folder is unknown, which differs from empty.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from notifier.config.claims import Claims
from notifier.config.dropins import read_dropin
from notifier.config.settings import Config
from notifier.errors import ConfigError, Problem
from notifier.model.watch import Listing

Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of the folder at one scan.

    `names` are all drop-ins, good or broken; None when the folder could not be read. `listings`
    are the valid ones, `problems` what is wrong with the others or the folder.
    """

    names: frozenset[str] | None
    listings: tuple[Listing, ...] = ()
    problems: tuple[Problem, ...] = ()


class Folder:
    """The drop-ins of one configuration; what other files list costs nothing to scan again."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._read: dict[str, tuple[Signature, Listing | tuple[Problem, ...]]] = {}
        self._claims = Claims(config.listing)
        self._contents = Contents(frozenset())

    def scan(self) -> Contents:
        """Read the files that have changed since the last scan, and return all contents.

        When nothing has changed, that is the very object of the last scan.
        """
        try:
            files = _dropins(self.config.watch_dir)
        except FileNotFoundError:
            if not self.config.watch_dir.is_symlink():
                return Contents(names=None)
            return Contents(names=None, problems=(self._unusable("it links to nothing"),))
        except OSError as error:
            return Contents(names=None, problems=(self._unusable(str(error.strerror)),))
        changed = {
            name: (signature, self._entry(name))
            for name, signature in files.items()
            if self._read.get(name, (None,))[0] != signature
        }
        gone = self._read.keys() - files.keys()
        if changed or gone:
            self._contents = self._changed(changed, gone)
        return self._contents

    def _changed(
        self,
        changed: Mapping[str, tuple[Signature, Listing | tuple[Problem, ...]]],
        gone: Collection[str],
    ) -> Contents:
        for name in gone:
            del self._read[name]
        self._read |= changed
        listed = {name: read for name, (_, read) in changed.items() if isinstance(read, Listing)}
        self._claims.update(listed, gone)
        broken = (read for _, read in self._read.values() if isinstance(read, tuple))
        problems = (*chain.from_iterable(broken), *self._claims.problems())
        return Contents(frozenset(self._read), self._claims.accepted(), problems)

    def _unusable(self, reason: str) -> Problem:
        return Problem(str(self.config.watch_dir), "", f"the folder cannot be used: {reason}")

    def _entry(self, name: str) -> Listing | tuple[Problem, ...]:
        path = self.config.watch_dir / name
        if not _is_text(name):
            return (_unnameable(path),)
        try:
            return read_dropin(path, self.config)
        except ConfigError as error:
            return tuple(error.problems)


def _dropins(folder: Path) -> dict[str, Signature]:
    """Return a signature for each drop-in, without those that a leading dot hides."""
    with os.scandir(folder) as entries:
        return {
            entry.name: _signature(entry)
            for entry in entries
            if entry.name.endswith(".toml") and not entry.name.startswith(".")
        }


def _signature(entry: os.DirEntry[str]) -> Signature:
    try:
        stat = entry.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unnameable(path: Path) -> Problem:
    """Describe a file whose name is not UTF-8 and can therefore not be stored or printed."""
    shown = str(path).encode("utf-8", "backslashreplace").decode()
    return Problem(shown, "", "the file's name is not UTF-8", "rename it")
