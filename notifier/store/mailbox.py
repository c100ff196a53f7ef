"""The mailbox in SQL: which watches have changed, for the owner of their shard.

A row is written in the transaction that changes the watch, and removed once its owner has applied
what it read. So neither a change that is committed late nor an answer that is lost is missed.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Concatenate, ParamSpec, TypeVar

from notifier.model.lease import Fence
from notifier.model.watch import Mail, WatchChanges
from notifier.store import watches
from notifier.store.connection import NUMBERS, Connection, listed

P = ParamSpec("P")
T = TypeVar("T")

BATCH = 500
"""The most rows that one call reads."""


def post(db: Connection, rows: Iterable[int]) -> None:
    """Tell the owners of these watches that they have changed."""
    db.executemany(
        "INSERT INTO mailbox (lease, watch) "
        "SELECT 'watch:' || gateway || ':' || shard, id FROM watches WHERE id = ?",
        [(row,) for row in sorted(rows)],
    )


def read(db: Connection, owner: str, applied: Iterable[int]) -> Mail:
    """Remove the mail that was `applied`; return the next of an instance, its watches as now.

    What is open is `updated`: its owner may poll it already or not.
    """
    db.executemany("DELETE FROM mailbox WHERE id = ?", [(number,) for number in applied])
    mail = db.execute(
        "SELECT m.id, m.watch, l.name, l.epoch FROM mailbox m JOIN leases l ON l.name = m.lease "
        "WHERE l.owner = ? ORDER BY m.id LIMIT ?",
        (owner, BATCH),
    ).fetchall()
    fences = {row: Fence(lease, owner, epoch) for _, row, lease, epoch in mail}
    rows = sorted(fences)
    if not rows:
        return Mail()
    found = watches.open_watches(db, where=f"AND id IN {NUMBERS}", values=[listed(rows)])
    is_open = {watch.row for watch in found}
    found = [replace(watch, fence=fences[watch.row]) for watch in found]
    changes = WatchChanges(updated=found, withdrawn=[row for row in rows if row not in is_open])
    return Mail([number for number, *_ in mail], changes)


def drop(db: Connection, leases: Iterable[str]) -> None:
    """Remove the mail of leases whose watches are all read anew."""
    db.executemany("DELETE FROM mailbox WHERE lease = ?", [(name,) for name in leases])


def posting(
    function: Callable[Concatenate[Connection, P], T], rows: Callable[[T], Iterable[int]]
) -> Callable[Concatenate[Connection, P], T]:
    """Return `function` such that it also posts the watches in `rows` of its result."""

    def run(db: Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        result = function(db, *args, **kwargs)
        post(db, rows(result))
        return result

    return run
