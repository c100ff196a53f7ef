"""One job under two ids, in SQL: a watch by the id of its creation takes the place of the other.

LiteLLM lists a job under another id than it gave at its creation, and discovery may have opened a
watch by the id of the list before somebody adds one by the other id.
"""

import json

from notifier.model.video_ids import encoded_id, key_of
from notifier.model.watch import DISCOVERY_SOURCE, WatchKey
from notifier.store import listings
from notifier.store.connection import Connection


def withdraw_discovered(db: Connection, key: WatchKey, now: float) -> None:
    """Withdraw an open watch of the same job that only discovery lists, under another id.

    Whoever polls it learns that when its job ends: the ending of a withdrawn watch is no event.
    """
    encoded = encoded_id(key.video_id)
    keys = (key_of(key.video_id), key.video_id if encoded is None else encoded.inner)
    rows = db.execute(
        "SELECT names FROM discovered_jobs WHERE gateway = ?1 AND key IN (?2, ?3) "
        'UNION SELECT names FROM discovered_jobs WHERE gateway = ?1 AND "inner" = ?4',
        (key.gateway, *keys, key.video_id),
    ).fetchall()
    for (names,) in rows:
        other = WatchKey(key.gateway, json.loads(names)[0])
        if other != key and listings.sources_of(db, other) == [DISCOVERY_SOURCE]:
            listings.remove(db, DISCOVERY_SOURCE, other, now)
