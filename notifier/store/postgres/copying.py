"""Copies the store in a file to an empty one in PostgreSQL, and checks that all has arrived.

Everything is one transaction: it is committed only when each table has the same rows on both
sides, by number and by hash. Event ids go on as they were, because the id of the store is copied.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import psycopg

from notifier.errors import StoreError, StoreRefusedError
from notifier.store.connection import set_meta
from notifier.store.postgres.connection import FAILURES, PostgresConnection, explained
from notifier.store.postgres.database import PostgresDatabase
from notifier.store.postgres.session import LONG_CALL

_TABLES = (
    *("watches", "listings", "events", "bodies", "deliveries", "attempts", "endpoints"),
    *("callbacks", "callback_hosts", "job_samples", "job_classes", "discovery_marks"),
    *("discovered_jobs", "expiry_timers", "downloads", "configured", "gateways"),
)
"""In an order in which no row names one that is not there yet; leases are made anew."""

_NUMBERED = {
    **dict.fromkeys(("watches", "deliveries", "attempts", "job_samples", "discovered_jobs"), "id"),
    "bodies": "rowid",
}
"""The columns that the database numbers by itself."""

_OF_THE_FILE = {"schema"}
_BATCH = 2000

Report = Callable[[int], None]
"""Is told how many more rows were copied or checked."""


class Copied(NamedTuple):
    """How many rows of a table were copied, and the hash of them all."""

    table: str
    rows: int
    sha256: str


def count_rows(file: sqlite3.Connection) -> int:
    """Return how many rows there are to copy."""
    return sum(file.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in _TABLES)


def copy(file: sqlite3.Connection, url: Callable[[], str], report: Report) -> list[Copied]:
    """Copy the state in `file`, which nobody else may use, to the empty store at `url`.

    Each row is reported twice. Raises StoreRefusedError when the store is not empty, StoreError
    when something cannot be copied or has not arrived as it was; nothing is changed then.
    """
    with closing(PostgresDatabase(url)) as database:
        db = database.writer()
        try:
            return _copied(file, db, report)
        finally:
            db.roll_back()


def _copied(file: sqlite3.Connection, db: PostgresConnection, report: Report) -> list[Copied]:
    for statement in (
        "BEGIN",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    ):
        db.execute(statement)
    _refuse_full(db)
    for key, value in file.execute("SELECT key, value FROM meta").fetchall():
        if key not in _OF_THE_FILE:
            set_meta(db, key, value)
    done = []
    for table in _TABLES:
        db.end_within(LONG_CALL)
        try:
            done.append(_copy_table(file, db, table, report))
        except FAILURES as error:
            raise StoreError(f"{table} cannot be copied: {explained(error)}") from None
    db.execute("COMMIT")
    return done


def _refuse_full(db: PostgresConnection) -> None:
    for table in _TABLES:
        if db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None:
            raise StoreRefusedError(
                f"the database is not empty, it has rows in {table}: nothing was copied"
            )


def _copy_table(
    file: sqlite3.Connection, db: PostgresConnection, table: str, report: Report
) -> Copied:
    columns, key = _shape(file, table)
    read = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(key)}"
    with db.raw.cursor() as cursor, cursor.copy(_copy_statement(table, columns)) as copying:
        sent = _Digest(report)
        for row in sent.seen(file.execute(read)):
            copying.write_row(row)
    with psycopg.RawServerCursor(db.raw, "copied") as back:
        back.itersize = _BATCH
        arrived = _Digest(report)
        for _ in arrived.seen(back.execute(read.encode())):
            pass
    if (sent.rows, sent.hexdigest()) != (arrived.rows, arrived.hexdigest()):
        raise StoreError(f"{table} has not arrived as it was: nothing was copied")
    if table in _NUMBERED:
        _go_on_numbering(file, db, table, _NUMBERED[table])
    return Copied(table, sent.rows, sent.hexdigest())


def _copy_statement(table: str, columns: Iterable[str]) -> bytes:
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()


def _shape(file: sqlite3.Connection, table: str) -> tuple[list[str], list[str]]:
    """Return the columns of a table, quoted where they are words of SQL, and those of its key."""
    info = file.execute(f"PRAGMA table_info({table})").fetchall()
    columns = [_quoted(row[1]) for row in info]
    key = [_quoted(row[1]) for row in sorted(info, key=lambda row: row[5]) if row[5]]
    # the order in which bodies were added is what followers of the store go by
    return ([*columns, "rowid"] if table == "bodies" else columns), key


def _quoted(column: str) -> str:
    return f'"{column}"' if column == "inner" else column


class _Digest:
    """Counts rows and hashes them as they go by."""

    def __init__(self, report: Report) -> None:
        self.rows = 0
        self._hash = hashlib.sha256()
        self._report = report

    def seen(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows."""
        for row in rows:
            self._hash.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
            self.rows += 1
            yield row
            if self.rows % _BATCH == 0:
                self._report(_BATCH)
        self._report(self.rows % _BATCH)

    def hexdigest(self) -> str:
        """Return the hash of all rows."""
        return self._hash.hexdigest()


def _go_on_numbering(
    file: sqlite3.Connection, db: PostgresConnection, table: str, column: str
) -> None:
    """Let new rows have numbers above all that were ever given."""
    (highest,) = file.execute(f"SELECT max({column}) FROM {table}").fetchone()
    given = file.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    last = max(highest or 0, 0 if given is None else given[0])
    if last:
        db.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), CAST(? AS BIGINT))",
            (last,),
        )
