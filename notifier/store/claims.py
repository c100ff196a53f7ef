"""Claims in SQL: due deliveries that are taken into flight."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from notifier.model.delivery import Claim
from notifier.model.lease import Fence
from notifier.model.watch import callback_lane
from notifier.store.connection import Connection, fetch_each
from notifier.store.fences import those_over

CALLBACK_URL = (
    "(SELECT c.url FROM callbacks c WHERE c.watch = e.watch "
    f"AND d.endpoint = c.endpoint || '{callback_lane('')}')"
)
TEMPLATE = "'template:' || d.endpoint"
_DUE = (
    "SELECT d.id, d.endpoint, d.event, e.type, w.gateway, w.video_id, e.about, b.body, "
    f"e.recorded_at, d.attempts + 1, d.failures, {CALLBACK_URL}, d.host, "
    f"d.format = {TEMPLATE} FROM deliveries d "
    "JOIN events e ON e.id = d.event LEFT JOIN watches w ON w.id = e.watch "
    "JOIN bodies b ON b.event = d.event AND b.format = d.format "
    "WHERE d.state = 'pending' AND d.in_flight IS NULL AND d.endpoint = ? AND d.due_at <= ?"
)
_ENABLED = "endpoint NOT IN (SELECT name FROM endpoints WHERE disabled IS NOT NULL)"


class Wanted(NamedTuple):
    """Up to `limit` deliveries of `endpoint` that are due at `now` (Unix seconds).

    None when the ownership of the lane is over that `fence` is of. `in_doubt` are the times of
    earlier claims of which it is not known whether they were committed.
    """

    endpoint: str
    limit: int
    now: float
    fence: Fence | None = None
    in_doubt: Sequence[float] = ()


def claim_due(
    db: Connection,
    endpoint: str,
    limit: int,
    now: float,
    fence: Fence | None = None,
    in_doubt: Sequence[float] = (),
) -> list[Claim]:
    """Take up to `limit` due deliveries of `endpoint`, the longest due first."""
    return claim_all(db, [Wanted(endpoint, limit, now, fence, in_doubt)])[0]


def claim_all(db: Connection, wanted: Sequence[Wanted]) -> list[list[Claim]]:
    """Take due deliveries of several endpoints, for each the longest due first."""
    if len({each.endpoint for each in wanted}) < len(wanted):
        # what the first one takes is not there for the second
        return [claim_due(db, *each) for each in wanted]
    over = those_over(db, (each.fence for each in wanted))
    for each in wanted:
        if each.in_doubt and each.fence not in over:
            take_back(db, each.endpoint, each.in_doubt)
    due = fetch_each(
        db,
        f"{_DUE} AND {_ENABLED} ORDER BY d.due_at, d.id LIMIT ?",
        [(each.endpoint, each.now, 0 if each.fence in over else each.limit) for each in wanted],
    )
    claims = [[claim_of(row) for row in rows] for rows in due]
    _take(
        db,
        [
            (each.now, claim.attempt, claim.delivery)
            for each, taken in zip(wanted, claims, strict=True)
            for claim in taken
        ],
    )
    return claims


def take_back(db: Connection, endpoint: str, times: Sequence[float]) -> None:
    """Undo the claims of `endpoint` that were made then: nobody knows of them."""
    db.executemany(
        "UPDATE deliveries SET in_flight = NULL, attempts = attempts - 1 "
        "WHERE endpoint = ? AND in_flight = ? AND state = 'pending'",
        [(endpoint, at) for at in times],
    )


def claim_callback(db: Connection, endpoint: str, host: str, now: float) -> list[Claim]:
    """Take the callback to `host` that has been due for the longest, if one is due."""
    due = db.execute(
        f"{_DUE} AND d.host = ? ORDER BY d.due_at, d.id LIMIT 1", (endpoint, now, host)
    )
    claims = [claim_of(row) for row in due.fetchall()]
    _take(db, [(now, claim.attempt, claim.delivery) for claim in claims])
    return claims


def _take(db: Connection, begun: Sequence[tuple[float, int, int]]) -> None:
    """Put deliveries into flight: each with the time, the number of the attempt and its row."""
    db.executemany("UPDATE deliveries SET in_flight = ?, attempts = ? WHERE id = ?", begun)


def claim_of(row: tuple[Any, ...]) -> Claim:
    """Return the claim of a row with the columns that every claim asks for."""
    delivery, endpoint, event, event_type, gateway, video_id, about, *rest = row
    video = {"gateway": gateway, "video_id": video_id}
    subject = video if about is None else {"about_endpoint": about}
    return Claim(delivery, endpoint, event, event_type, subject, *rest)


def keep_rendering(db: Connection, claim: Claim, body: bytes) -> None:
    """Store what the endpoint's template made, as the body of this delivery from now on."""
    name = f"template:{claim.endpoint}"
    db.execute(
        "INSERT INTO bodies (event, format, body) VALUES (?, ?, ?) "
        "ON CONFLICT (event, format) DO UPDATE SET body = excluded.body",
        (claim.event_id, name, body),
    )
    db.execute(
        "UPDATE deliveries SET format = ? WHERE id = ? AND event = ? AND endpoint = ?",
        (name, claim.delivery, claim.event_id, claim.endpoint),
    )


def next_due(db: Connection, endpoint: str) -> float | None:
    """Return when the next delivery of `endpoint` is due, None when none waits."""
    (due,) = db.execute(
        "SELECT min(due_at) FROM deliveries WHERE state = 'pending' AND in_flight IS NULL "
        f"AND {_ENABLED} AND endpoint = ?",
        (endpoint,),
    ).fetchone()
    return None if due is None else float(due)
