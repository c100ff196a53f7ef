"""What SQL functions need of a database connection, whichever engine is behind it.

Statements are in the common subset of SQLite and PostgreSQL, with `?` or `?1` for values: no
`OR IGNORE`, no `GLOB`, no scalar `min`, no `iif`, no LIMIT below zero, no value whose type only
the caller knows (`? IS NULL`), no truth value in a column of integers. Lists are given as TEXTS
and NUMBERS say.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable


class Cursor(Protocol):
    """The rows that a statement returned, and how many it changed."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    def fetchone(self) -> Any:  # noqa: ANN401 - a tuple of whatever the columns hold, or None
        """Return the next row, None after the last one."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """An open connection to the store, in a transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Run a statement."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """Run a statement once for each of the rows of values."""


@runtime_checkable
class PipelinedConnection(Connection, Protocol):
    """A connection that asks for several things before it waits for the first answer."""

    def fetch_each(self, query: str, parameters: Iterable[Sequence[Any]], /) -> list[list[Any]]:
        """Run a query for each of the rows of values, in one round trip."""


TEXTS = "(SELECT value FROM json_each(?))"
"""The right side of an `IN`: one of the texts in the value, which `listed` makes."""

NUMBERS = "(SELECT CAST(value AS BIGINT) FROM json_each(?))"
"""The right side of an `IN`: one of the whole numbers in the value, which `listed` makes."""


SHARED_LOCK = "/* FOR SHARE */"
"""At the end of a SELECT: nobody changes its rows before the end of this transaction.

SQLite has one writer at a time and needs no lock. Not for queries that only read.
"""

LOCK = "/* FOR UPDATE OF {} */"
"""The same for the table with this alias, and nobody else takes either lock on its rows."""

FREE_LOCK = "/* FOR UPDATE SKIP LOCKED */"
"""The same for all rows that nobody else has locked; the others are left out."""


def listed(values: Iterable[str | int]) -> str:
    """Return the value for TEXTS or NUMBERS; it is one value, however many are in it."""
    return json.dumps(list(values))


def fetch_each(db: Connection, query: str, parameters: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Run a query once for each of the rows of values; return what each found.

    A connection to a server asks for all of it before it waits for the first answer.
    """
    if isinstance(db, PipelinedConnection):
        return db.fetch_each(query, parameters)
    return [db.execute(query, values).fetchall() for values in parameters]


def set_meta(db: Connection, key: str, value: str) -> None:
    """Store one of the values that exist once in a store."""
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
