"""Makes a database whole before it appears at its path.

The file is made aside as `NAME.new`, synced, and then renamed into place. So a reader finds either
nothing, or the file from before, or a complete store. A process that is killed in the middle
leaves only files aside, which the next one replaces. The caller holds the store's lock.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notifier.store.codec import decode_text
from notifier.store.connection import set_meta
from notifier.store.files import beside, real, remove_database, sync
from notifier.store.lock import claimed
from notifier.store.schema import migrate


def create(path: Path, config: Path) -> None:
    """Make the store of the configuration file `config`, then put it at `path`.

    Replaces an empty file at `path`. Raises OSError and sqlite3.Error.
    """
    with made_aside(path) as db:
        migrate(db)
        record_config(db, config)
        # last, so that the log that belongs to this name is gone when the file is closed
        db.execute("PRAGMA journal_mode = WAL")


@contextmanager
def made_aside(path: Path, ending: str = ".new") -> Iterator[sqlite3.Connection]:
    """Give a connection to a new private database; when the block ends, it is put at `path`.

    Replaces a file that is there. If the block raises, nothing is left. `ending` is what the name
    ends in before the file is whole. Raises StoreRefusedError while another process is writing it.
    """
    aside = beside(path, ending)
    with claimed(aside):
        try:
            db = sqlite3.connect(aside, isolation_level=None)
            try:
                db.text_factory = decode_text
                db.execute("PRAGMA synchronous = FULL")
                yield db
            finally:
                db.close()
            sync(aside)
            aside.replace(real(path))
        except BaseException:
            remove_database(aside)
            raise
    sync(path.parent)


def record_config(db: sqlite3.Connection, config: Path) -> None:
    """Record which configuration file the state belongs to."""
    set_meta(db, "config", str(config))
