"""A SQLite connection that runs a statement for many rows of values at once.

SQLite prepares, binds and steps a statement for each row, and Python lets go of its lock and takes
it again each time. So `INSERT … VALUES (?, ?)` becomes one statement with up to 64 rows, and an
UPDATE, or an INSERT from a SELECT, is joined with such rows: half the CPU for each, and the event
loop waits less often. Rows of one call concern different rows of the table, as everywhere in this
package. What updates on a conflict, returns something or deletes stays as it is.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import Any

_STATEMENTS_KEPT = 512  # prepared ones: each has one for each size of a batch
_MOST_ROWS = 64
_MARK = re.compile(r"\?")
_INSERT = re.compile(r"(INSERT INTO \w+ \([^()]*\) VALUES) (\([^()]*\))(.*)", re.DOTALL)
_JOINED = re.compile(
    r"((?P<verb>UPDATE|INSERT INTO) (?:(?! WHERE ).)*?) WHERE (?P<rest>.*)", re.DOTALL
)
_JOINS = {"UPDATE": "FROM", "INSERT INTO": ","}
_ONE_BY_ONE = re.compile(r"DO UPDATE|RETURNING|ORDER BY|\?\d")


def connect(path: Path | str, timeout: float = 5.0) -> sqlite3.Connection:
    """Open a database for whoever begins and ends transactions, in whatever thread."""
    return sqlite3.connect(
        path,
        timeout,
        isolation_level=None,
        check_same_thread=False,
        factory=_BatchingConnection,
        cached_statements=_STATEMENTS_KEPT,
    )


class _BatchingConnection(sqlite3.Connection):
    """Runs `executemany` for many rows at once where that is possible."""

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """Run a statement for all rows of values; the cursor tells how many rows that changed."""
        rows = list(parameters)
        cursor = _SummingCursor(self)
        while len(rows) > 1:
            # powers of two, so that few statements are prepared
            size = min(1 << len(rows).bit_length() - 1, _MOST_ROWS)
            together = _for_rows(sql, size)
            if together is None:
                return super().executemany(sql, rows)
            cursor.run(together, rows[:size])
            rows = rows[size:]
        for row in rows:
            cursor.run(sql, [row])
        return cursor


class _SummingCursor(sqlite3.Cursor):
    """Adds up how many rows several statements change."""

    _changed = 0

    def run(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self.execute(sql, tuple(chain.from_iterable(rows)))
        self._changed += super().rowcount

    @property
    def rowcount(self) -> int:
        return self._changed


@cache
def _for_rows(sql: str, size: int) -> str | None:
    """Return the statement for `size` rows at once, None when there is none."""
    if _ONE_BY_ONE.search(sql):
        return None
    if inserted := _INSERT.fullmatch(sql):
        head, values, rest = inserted.groups()
        return f"{head} {', '.join([values] * size)}{rest}"
    joined = _JOINED.fullmatch(sql)
    if joined is None:
        return None
    number = count(1)
    head, rest = (_MARK.sub(lambda _: f"v.column{next(number)}", joined[part]) for part in (1, 3))
    row = f"({', '.join('?' * sql.count('?'))})"
    rows = f"(VALUES {', '.join([row] * size)}) AS v"
    return f"{head} {_JOINS[joined['verb']]} {rows} WHERE {rest}"
