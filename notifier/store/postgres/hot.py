"""The hot changes of deliveries, each as one statement for a whole batch.

What is sent does not depend on an answer, so a batch and its COMMIT are one round trip. Values are
sent as one array for each column, without NULL, which would leave an array without a type. The
rows that were looked at are looked at again once they are locked: others may have changed them.
"""

from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter

from notifier.model.delivery import Claim
from notifier.model.lease import Fence
from notifier.store.attempts import Received
from notifier.store.claims import CALLBACK_URL, TEMPLATE, Wanted, claim_of, take_back
from notifier.store.connection import Cursor
from notifier.store.postgres.connection import PostgresConnection

_NO_FENCE = Fence("", "", 0)
_NO_STATUS = -1

# the fence decides which rows of `wanted` there are: joined with the deliveries, it would have the
# server sort the whole backlog instead of reading the first rows of the index. How many rows the
# limits let through is not known to the server: the array of ids, CASE and OFFSET 0 keep it from
# reading all that is due, or whole tables, for them
CLAIM = f"""
WITH owned AS MATERIALIZED (
    SELECT name, owner, epoch FROM leases WHERE name = ANY(?::text[]) ORDER BY name FOR SHARE
), wanted AS MATERIALIZED (
    SELECT * FROM ROWS FROM (
        unnest(?::text[]), unnest(?::float8[]), unnest(?::bigint[]), unnest(?::bigint[]),
        unnest(?::text[]), unnest(?::text[]), unnest(?::bigint[])
    ) WITH ORDINALITY AS v (endpoint, now, most, others, lease, owner, epoch, number)
    WHERE (v.lease = '' OR (v.lease, v.owner, v.epoch) IN (SELECT * FROM owned))
    AND NOT EXISTS (
        SELECT 1 FROM endpoints o WHERE o.name = v.endpoint AND o.disabled IS NOT NULL
    )
), due AS MATERIALIZED (
    SELECT d.id, v.number, v.now FROM wanted v CROSS JOIN LATERAL (
        SELECT id FROM deliveries d
        WHERE state = 'pending' AND in_flight IS NULL AND endpoint = v.endpoint AND due_at <= v.now
        ORDER BY due_at, id LIMIT v.most OFFSET v.others
    ) d
), picked AS MATERIALIZED (
    SELECT array_agg(id) AS ids, array_agg(number) AS numbers, array_agg(now) AS times FROM due
), taken AS (
    UPDATE deliveries SET attempts = attempts + 1,
        in_flight = (SELECT times[array_position(ids, deliveries.id)] FROM picked)
    WHERE id = ANY((SELECT ids FROM picked)::bigint[])
    AND CASE WHEN state = 'pending' AND in_flight IS NULL THEN true END
    RETURNING id, due_at, endpoint, event, format, host, attempts, failures
)
SELECT p.numbers[array_position(p.ids, d.id)], d.due_at, d.id, d.endpoint, d.event, e.type,
    w.gateway, w.video_id, e.about, b.body, e.recorded_at, d.attempts, d.failures,
    CASE WHEN d.host IS NOT NULL THEN {CALLBACK_URL} END, d.host, d.format = {TEMPLATE}
FROM picked p CROSS JOIN taken d
CROSS JOIN LATERAL (SELECT * FROM events WHERE id = d.event OFFSET 0) e
CROSS JOIN LATERAL (
    SELECT body FROM bodies WHERE event = d.event AND format = d.format OFFSET 0
) b
LEFT JOIN LATERAL (SELECT gateway, video_id FROM watches WHERE id = e.watch OFFSET 0) w ON true
"""

# a success counts whatever has become of the delivery; one of an attempt that was taken for
# interrupted since counts, too, and leaves the later attempt in flight
RECORD_DELIVERED = """
WITH made AS MATERIALIZED (
    SELECT * FROM ROWS FROM (
        unnest(?::bigint[]), unnest(?::text[]), unnest(?::text[]), unnest(?::bigint[]),
        unnest(?::float8[]), unnest(?::float8[]), unnest(?::bigint[]), unnest(?::text[]),
        unnest(?::bigint[]), unnest(?::text[])
    ) AS v (delivery, event, endpoint, attempt, now, started_at, duration_ms, outcome, status,
        detail)
), healthy AS (
    DELETE FROM endpoints WHERE name IN (SELECT endpoint FROM made) AND disabled IS NULL
), settled AS (
    UPDATE deliveries d SET state = 'delivered', reason = '', settled_at = v.now,
        in_flight = CASE WHEN d.attempts = v.attempt THEN NULL ELSE d.in_flight END
    FROM made v WHERE d.id = v.delivery AND d.event = v.event AND d.endpoint = v.endpoint AND (
        d.attempts = v.attempt AND d.in_flight IS NOT NULL
        OR d.attempts >= v.attempt AND d.state IN ('pending', 'cancelled')
    ) RETURNING v.*
)
INSERT INTO attempts (delivery, number, started_at, duration_ms, outcome, status, detail)
SELECT delivery, attempt, started_at, duration_ms, outcome, nullif(status, -1), detail
FROM settled ORDER BY delivery
ON CONFLICT (delivery, number) DO UPDATE SET started_at = excluded.started_at,
    duration_ms = excluded.duration_ms, outcome = excluded.outcome, status = excluded.status,
    detail = excluded.detail
"""


def claim(db: PostgresConnection, wanted: Sequence[Wanted]) -> Cursor:
    """Take due deliveries into flight, for each as `claims.claim_all` does."""
    for each in wanted:
        take_back(db, each.endpoint, each.in_doubt)
    fences = [each.fence or _NO_FENCE for each in wanted]
    before = defaultdict[tuple[str, Fence], int](int)
    others = []
    for each, fence in zip(wanted, fences, strict=True):
        # what one of them takes is not there for the next one
        others.append(before[each.endpoint, fence])
        before[each.endpoint, fence] += each.limit
    columns = [
        [each.endpoint for each in wanted],
        [each.now for each in wanted],
        [each.limit for each in wanted],
        others,
        *map(list, zip(*fences, strict=True)),
    ]
    return db.execute(CLAIM, [sorted({fence.lease for fence in fences}), *columns])


def claimed(cursor: Cursor, wanted: Sequence[Wanted]) -> list[list[Claim]]:
    """Return the claims of each, the longest due first."""
    claims: list[list[Claim]] = [[] for _ in wanted]
    for number, _, *row in sorted(cursor.fetchall(), key=itemgetter(0, 1, 2)):
        claims[number - 1].append(claim_of(tuple(row)))
    return claims


def record_delivered(db: PostgresConnection, batches: Sequence[Received]) -> Cursor:
    """Store attempts that were received, as `attempts.record_delivered` does."""
    rows = [
        (
            *(claim.delivery, claim.event_id, claim.endpoint, claim.attempt, batch.now),
            *(attempt.started_at, attempt.duration_ms, attempt.outcome),
            *(_NO_STATUS if attempt.status is None else attempt.status, attempt.detail),
        )
        for batch in batches
        for claim, attempt in batch.made
    ]
    return db.execute(RECORD_DELIVERED, [list(column) for column in zip(*rows, strict=True)])


def recorded(_: Cursor, batches: Sequence[Received]) -> list[None]:
    """Return the results of `record_delivered`."""
    return [None] * len(batches)
