"""Brings a store's file to the newest schema; `user_version` counts the steps done."""

import sqlite3

from notifier.store.steps import STEPS
from notifier.store.steps.log_mark import LOG_MARK
from notifier.store.write_ahead_log import mark_migration

VERSION = len(STEPS)
"""The `user_version` that this notifier reads and writes."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to VERSION in one transaction, so that others see all steps or none.

    Foreign keys must not be enforced yet: a step may make a table anew. Raises sqlite3.Error; the
    file is as it was then.
    """
    (done,) = db.execute("PRAGMA user_version").fetchone()
    if done >= len(STEPS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in (each for step in STEPS[done:] for each in step):
            db.execute(statement)
        mark_migration(db, had_mark=STEPS.index(LOG_MARK) < done)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
