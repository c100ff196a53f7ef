"""Backups of the store, and which parts of the run the state at hand remembers.

A branch is what the daemon lives from the start, or from a restore, until the next restore. A
restored state continues the branch that its backup was taken in: it remembers what happened there
until then, and nothing of what came after. Times are virtual seconds.
"""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import trio

from notifier.store import Database
from tests.simulation.gateway import Span, name_of


@dataclass(eq=False, slots=True)
class Branch:
    """What is lived from `began` until `ended`, upon `backup` (None: upon an empty store)."""

    began: float
    backup: "Backup | None" = None
    ended: float = math.inf

    def remembers(self, at: float) -> bool:
        """Return whether what happened at `at` happened in this branch or in its past."""
        if self.began < at <= self.ended:
            return True
        backup = self.backup
        return backup is not None and at <= backup.at and backup.branch.remembers(at)

    def took(self, video_id: str) -> "Branch":
        """Return the branch in which the state of this one has taken the watch of a video."""
        backup = self.backup
        return backup.branch.took(video_id) if backup and video_id in backup.held else self


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the store, taken at `at`, which held the watches of the videos `held`."""

    branch: Branch
    at: float
    held: frozenset[str]
    data: bytes


@dataclass
class History:
    """All branches, in the order in which they were lived, and the latest backup."""

    branches: list[Branch] = field(default_factory=lambda: [Branch(-1.0)])
    backup: Backup | None = None

    def back_up(self, database: Database) -> None:
        """Keep a copy of the whole store in place of the one before."""
        held, data = database.transact(_copy)
        self.backup = Backup(self.branches[-1], trio.current_time(), held, data)

    def restore(self, backup: Backup) -> Database:
        """Return a store that is as it was in `backup`, and begin a branch upon it."""
        now = trio.current_time()
        self.branches[-1].ended = now
        self.branches.append(Branch(now, backup))
        db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        db.deserialize(backup.data)
        db.execute("PRAGMA foreign_keys = ON")
        held = ExitStack()
        held.callback(db.close)
        return Database(db, held)

    def branch_at(self, at: float) -> Branch:
        """Return the branch that was lived at `at`."""
        return next(branch for branch in self.branches if branch.began < at <= branch.ended)

    def erased(self) -> Iterator[Span]:
        """Yield from when to when the restored states remembered nothing."""
        for branch in self.branches:
            if branch.backup is not None:
                yield branch.backup.at, branch.began


def _copy(db: sqlite3.Connection) -> tuple[frozenset[str], bytes]:
    rows = db.execute("SELECT video_id FROM watches")
    return frozenset(name_of(video_id) for (video_id,) in rows), db.serialize()
