"""Which notifiers can work with the tables of a store that instances of several versions share."""

from notifier.errors import OutdatedError
from notifier.store.connection import Connection


def oldest_writer(db: Connection) -> int:
    """Return the oldest version of the schema whose notifier can work with the tables."""
    row = db.execute("SELECT value FROM meta WHERE key = 'oldest_writer'").fetchone()
    return 0 if row is None else int(row[0])


def refuse_older(db: Connection, version: int) -> None:
    """Raise OutdatedError if a notifier of this version cannot work with the tables any more."""
    if version < oldest_writer(db):
        raise OutdatedError(oldest_writer(db), version)
