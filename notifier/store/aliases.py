"""One job under two ids, in SQL: a watch by the id of its creation takes the place of the other.

LiteLLM lists a job under another id than it gave at its creation, and discovery may have opened a
watch by the id of the list before somebody adds one by the other id.
"""

import json
from collections.abc import Collection

from notifier.model.video_ids import encoded_id, key_of
from notifier.model.watch import DISCOVERY_SOURCE, WatchKey
from notifier.store import listings
from notifier.store.connection import TEXTS, Connection, listed


def withdraw_discovered(db: Connection, keys: Collection[WatchKey], now: float) -> None:
    """Withdraw open watches of the same jobs that only discovery lists, under other ids.

    Whoever polls one learns that when its job ends: the ending of a withdrawn watch is no event.
    """
    for gateway, video_ids in listings.by_gateway(keys):
        names = {name for video_id in video_ids for name in _names(video_id)}
        rows = db.execute(
            f"SELECT names FROM discovered_jobs WHERE gateway = ? AND key IN {TEXTS} "
            f'UNION SELECT names FROM discovered_jobs WHERE gateway = ? AND "inner" IN {TEXTS}',
            (gateway, listed(names), gateway, listed(video_ids)),
        ).fetchall()
        for (names_of_job,) in rows:
            other = WatchKey(gateway, json.loads(names_of_job)[0])
            if other not in keys and listings.sources_of(db, other) == [DISCOVERY_SOURCE]:
                listings.remove(db, DISCOVERY_SOURCE, other, now)


def _names(video_id: str) -> tuple[str, str]:
    """Return the keys under which discovery may know the job of an id."""
    encoded = encoded_id(video_id)
    return key_of(video_id), video_id if encoded is None else encoded.inner
