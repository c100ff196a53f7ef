"""The drop-in folder: what each file in it lists. A file is read again only when it has changed.

A file that cannot be used is reported once and skipped until it changes; what it listed when it
was last good stays listed. A missing or unreadable folder is unknown, which differs from empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from notifier.config.dropins import accept, read_dropin
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


@dataclass(slots=True)
class Folder:
    """The drop-ins of one configuration."""

    config: Config
    _read: dict[str, tuple[Signature, Listing | tuple[Problem, ...]]] = field(default_factory=dict)

    def scan(self) -> Contents:
        """Read the files that have changed since the last scan, and return all contents."""
        try:
            files = _dropins(self.config.watch_dir)
        except FileNotFoundError:
            if not self.config.watch_dir.is_symlink():
                return Contents(names=None)
            return Contents(names=None, problems=(self._unusable("it links to nothing"),))
        except OSError as error:
            return Contents(names=None, problems=(self._unusable(str(error.strerror)),))
        self._read = {name: self._entry(name, path) for name, path in files.items()}
        entries = [entry for _, entry in self._read.values()]
        good, conflicts = accept(
            self.config.listing, [entry for entry in entries if isinstance(entry, Listing)]
        )
        broken = [problem for entry in entries if isinstance(entry, tuple) for problem in entry]
        return Contents(frozenset(files), tuple(good), (*broken, *conflicts))

    def _unusable(self, reason: str) -> Problem:
        return Problem(str(self.config.watch_dir), "", f"the folder cannot be used: {reason}")

    def _entry(self, name: str, path: Path) -> tuple[Signature, Listing | tuple[Problem, ...]]:
        if not _is_text(name):
            return (0, 0, 0), (_unnameable(path),)
        signature = _signature(path)
        known = self._read.get(name)
        if known is not None and known[0] == signature:
            return known
        try:
            return signature, read_dropin(path, self.config)
        except ConfigError as error:
            return signature, tuple(error.problems)


def _dropins(folder: Path) -> Mapping[str, Path]:
    """Return the drop-ins by name, without those that a leading dot hides (being written)."""
    return {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.suffix == ".toml" and not path.name.startswith(".")
    }


def _signature(path: Path) -> Signature:
    try:
        stat = path.stat()
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
