"""Grants in SQL: each instance changes its own, while it holds the gateway's row.

An instance that lowers its grant is slower before that is committed, and one that raises it is
faster only afterwards: so what is asked is never above what the rows add up to.
"""

from collections.abc import Callable, Collection, Sequence

from notifier.model.grant import Grant, Granted
from notifier.store.connection import Connection

NextRate = Callable[[Grant, Sequence[Grant]], float]
"""Returns the rate that an instance may have, beside the grants of the others."""


def adjust(
    db: Connection, gateway: str, mine: Grant, next_rate: NextRate, rest_until: float
) -> Granted:
    """Return how an instance may ask from now on; commit the rate unless it is lower.

    What is lower is committed by `lower`, once the instance is slower. `rest_until` is when the
    rest ends that this instance knows of; the one that is returned is the longest of all.
    """
    rest_until = _lock(db, gateway, rest_until)
    rows = db.execute(
        "SELECT instance, budget, rate, wants FROM grants WHERE gateway = ? AND instance <> ?",
        (gateway, mine.instance),
    ).fetchall()
    rate = next_rate(mine, [Grant(*row) for row in rows])
    _save(db, gateway, mine._replace(rate=max(rate, mine.rate)))
    return Granted(rate, rest_until)


def lower(db: Connection, gateway: str, mine: Grant) -> None:
    """Store the lower rate at which an instance asks already."""
    _lock(db, gateway)
    _save(db, gateway, mine)


def keep(db: Connection, instance: str, gateways: Collection[str]) -> None:
    """Remove the grants of an instance for all gateways but these."""
    rows = db.execute("SELECT gateway FROM grants WHERE instance = ?", (instance,)).fetchall()
    db.executemany(
        "DELETE FROM grants WHERE instance = ? AND gateway = ?",
        [(instance, gateway) for (gateway,) in rows if gateway not in gateways],
    )


def all_grants(db: Connection) -> dict[str, list[Grant]]:
    """Return the grants by gateway."""
    rows = db.execute(
        "SELECT gateway, instance, budget, rate, wants FROM grants ORDER BY gateway, instance"
    ).fetchall()
    found: dict[str, list[Grant]] = {}
    for gateway, *grant in rows:
        found.setdefault(gateway, []).append(Grant(*grant))
    return found


def _lock(db: Connection, gateway: str, rest_until: float = 0.0) -> float:
    """Hold the row of a gateway; return until when it rests, which is the latest anybody said."""
    db.execute("INSERT INTO gateways (name) VALUES (?) ON CONFLICT (name) DO NOTHING", (gateway,))
    (until,) = db.execute(
        "UPDATE gateways SET rest_until = CASE WHEN rest_until > ? THEN rest_until ELSE ? END "
        "WHERE name = ? RETURNING rest_until",
        (rest_until, rest_until, gateway),
    ).fetchone()
    return float(until)


def _save(db: Connection, gateway: str, grant: Grant) -> None:
    db.execute(
        "INSERT INTO grants (gateway, instance, budget, rate, wants) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (gateway, instance) DO UPDATE SET budget = excluded.budget, "
        "rate = excluded.rate, wants = excluded.wants",
        (gateway, grant.instance, grant.budget, grant.rate, grant.wants),
    )
