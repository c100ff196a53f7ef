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
    """What a scan found.

    `names` are all drop-ins, good or broken; None when not all of the folder was read. `listings`
    has the sources whose entries changed since the scan before, `gone` those that left. `problems`
    is everything that is wrong at present with files or the folder.
    """

    names: frozenset[str] | None
    listings: tuple[Listing, ...] = ()
    gone: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


class Folder:
    """The drop-ins of one configuration; a file that has not changed costs next to nothing."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._signatures: dict[str, Signature] = {}
        self._broken: dict[str, tuple[Problem, ...]] = {}
        self._claims = Claims(config.listing)

    def scan(self, only: Collection[str] | None = None) -> Contents:
        """Read the files that have changed since the last scan: of all, or of those in `only`."""
        try:
            if only is None:
                return self._update(_dropins(self.config.watch_dir), whole=True)
            files = _some_dropins(self.config.watch_dir, only)
        except FileNotFoundError:
            if not self.config.watch_dir.is_symlink():
                return Contents(names=None)
            return Contents(names=None, problems=(self._unusable("it links to nothing"),))
        except OSError as error:
            return Contents(names=None, problems=(self._unusable(str(error.strerror)),))
        return self._update(files, whole=False, looked_for=frozenset(only))

    def _update(
        self,
        files: Mapping[str, Signature],
        *,
        whole: bool,
        looked_for: Collection[str] = (),
    ) -> Contents:
        known = self._signatures.keys()
        gone = frozenset(known - files.keys() if whole else (known & looked_for) - files.keys())
        changed = {
            name: self._entry(name)
            for name, signature in files.items()
            if self._signatures.get(name) != signature
        }
        for name in gone:
            del self._signatures[name]
        self._signatures |= files
        for name in (*gone, *changed):
            self._broken.pop(name, None)
        self._broken |= {n: read for n, read in changed.items() if not isinstance(read, Listing)}
        listed = {name: read for name, read in changed.items() if isinstance(read, Listing)}
        affected = self._claims.update(listed, gone)
        names = frozenset(files) if whole else None
        problems = (*chain.from_iterable(self._broken.values()), *self._claims.problems())
        return Contents(names, affected, gone, problems)

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


def _some_dropins(folder: Path, names: Collection[str]) -> dict[str, Signature]:
    """Return a signature for each of `names` that is a drop-in of the folder."""
    folder.stat()
    return {
        name: _signature(folder / name)
        for name in names
        if name.endswith(".toml") and not name.startswith(".") and os.path.lexists(folder / name)
    }


def _signature(entry: os.DirEntry[str] | Path) -> Signature:
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
