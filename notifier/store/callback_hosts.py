"""The queue of host names that callbacks wait for, in SQL.

Each name that has callbacks to send has one row, whatever the number of callbacks. `next_at` is
when the name is looked at next, and a look moves it on: so names are served in turn, and one
claim costs the same however many callbacks wait for a name that does not answer. A row may be
there in vain, never missing: whatever makes a callback due enters its host name. (In SQLite
triggers do so as well.)
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from notifier.model.delivery import CallbackDemand, Claim
from notifier.model.lease import Fence
from notifier.store import claims
from notifier.store.connection import FREE_LOCK, LOCK, TEXTS, Connection, listed
from notifier.store.fences import holds

_MORE_LOOKS = 64
AFTER_ALL = ("\U0010ffff",)
"""The place of a claim among operations that share a transaction: it waits for no row."""


def order_of(claim: Claim) -> tuple[str, ...]:
    """Return the place of what is recorded about a claim: host names are locked in one order."""
    return () if claim.host is None else (claim.endpoint, claim.host)


def host_of(url: str) -> str:
    """Return the host name of a callback URL, in lower case and without a final dot."""
    return (urlsplit(url).hostname or "").rstrip(".")


def claim(
    db: Connection,
    endpoint: str,
    demand: CallbackDemand,
    now: float,
    fence: Fence | None = None,
    in_doubt: Sequence[float] = (),
) -> list[Claim]:
    """Take one due callback for each host name whose turn it is, as far as `demand` allows.

    None if the ownership of the lane is over that `fence` is of. For `in_doubt` see
    `claims.Wanted`.
    """
    if fence is not None and not holds(db, fence):
        return []
    if in_doubt:
        claims.take_back(db, endpoint, in_doubt)
        restart(db, now, [endpoint])
    taken: list[Claim] = []
    for host in _waiting(db, endpoint, demand, now):
        if len(taken) == demand.limit:
            break
        held_until = demand.held.get(host)
        if held_until is None:
            taken += claims.claim_callback(db, endpoint, host, now)
            _look_again(db, endpoint, host, now)
        else:
            move(db, endpoint, host, held_until)
    return taken


def next_look(db: Connection, endpoint: str) -> float | None:
    """Return when the next host name is looked at, None when no callback waits."""
    (at,) = db.execute(
        "SELECT min(next_at) FROM callback_hosts WHERE endpoint = ?", (endpoint,)
    ).fetchone()
    return None if at is None else float(at)


def enter(db: Connection, endpoint: str, host: str, at: float) -> None:
    """Have a host name looked at, at `at` or before."""
    db.execute(
        "INSERT INTO callback_hosts (endpoint, host, next_at) VALUES (?, ?, ?) "
        "ON CONFLICT (endpoint, host) DO UPDATE SET next_at = excluded.next_at "
        "WHERE callback_hosts.next_at > excluded.next_at",
        (endpoint, host, at),
    )


def enter_again(db: Connection, delivery: int) -> None:
    """Have the host name of a callback that is not in flight any more looked at when it is due."""
    db.execute(
        "INSERT INTO callback_hosts (endpoint, host, next_at) SELECT endpoint, host, due_at "
        "FROM deliveries WHERE id = ? AND host IS NOT NULL AND state = 'pending' "
        "AND in_flight IS NULL ON CONFLICT (endpoint, host) DO UPDATE SET "
        "next_at = excluded.next_at WHERE callback_hosts.next_at > excluded.next_at",
        (delivery,),
    )


def move(db: Connection, endpoint: str, host: str, at: float) -> None:
    """Have a host name looked at at that time, whatever was said before."""
    db.execute(
        "UPDATE callback_hosts SET next_at = ? WHERE endpoint = ? AND host = ?",
        (at, endpoint, host),
    )


def restart(db: Connection, now: float, lanes: Sequence[str] | None = None) -> None:
    """Have each host name that callbacks wait for looked at now: holds did not survive.

    With `lanes` only for theirs.
    """
    only = "" if lanes is None else f"AND endpoint IN {TEXTS}"
    named = () if lanes is None else (listed(lanes),)
    db.execute(
        f"SELECT 1 FROM callback_hosts h WHERE 1 = 1 {only} "
        f"ORDER BY endpoint, host {LOCK.format('h')}",
        named,
    )
    db.execute(f"DELETE FROM callback_hosts WHERE 1 = 1 {only}", named)
    db.execute(
        "INSERT INTO callback_hosts (endpoint, host, next_at) "
        "SELECT DISTINCT endpoint, host, ? FROM deliveries "
        f"WHERE host IS NOT NULL AND state = 'pending' AND in_flight IS NULL {only} "
        "ORDER BY endpoint, host",
        (now, *named),
    )


def _waiting(db: Connection, endpoint: str, demand: CallbackDemand, now: float) -> list[str]:
    """Return the host names whose turn it is.

    Not those that another transaction is entering: if their rows were removed here because
    nothing is due yet, what it makes due would be forgotten. Its lane is woken after its commit.
    """
    limit = demand.limit + _MORE_LOOKS
    if demand.only is None:
        found = db.execute(
            "SELECT host FROM callback_hosts WHERE endpoint = ? AND next_at <= ? "
            f"ORDER BY next_at, host LIMIT ? {FREE_LOCK}",
            (endpoint, now, limit),
        )
        return [host for (host,) in found]
    at = f"SELECT next_at, host FROM callback_hosts WHERE endpoint = ? AND host = ? {FREE_LOCK}"
    rows = [db.execute(at, (endpoint, host)).fetchone() for host in demand.only]
    return [host for _, host in sorted(row for row in rows if row and row[0] <= now)][:limit]


def _look_again(db: Connection, endpoint: str, host: str, now: float) -> None:
    """Move a host name behind the others if more callbacks are due, else to the next due time."""
    (due,) = db.execute(
        "SELECT min(due_at) FROM deliveries WHERE endpoint = ? AND host = ? "
        "AND state = 'pending' AND in_flight IS NULL",
        (endpoint, host),
    ).fetchone()
    if due is None:
        db.execute("DELETE FROM callback_hosts WHERE endpoint = ? AND host = ?", (endpoint, host))
    else:
        move(db, endpoint, host, max(due, now))
