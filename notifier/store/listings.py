"""Listings in SQL: which source lists which watch, and what happens when none does any more."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from notifier.model.watch import DISCOVERY_SOURCE, Listing, ListingChange, WatchKey, WatchSpec
from notifier.store.connection import Connection

MOST_CHANGES = 500
"""The most watches that one transaction changes: other operations wait for its end."""


def known_sources(db: Connection) -> set[str]:
    """Return every source that lists something."""
    return {source for (source,) in db.execute("SELECT DISTINCT source FROM listings")}


def sources_of(db: Connection, key: WatchKey) -> list[str]:
    """Return the names of the sources that list a watch."""
    rows = db.execute("SELECT source FROM listings WHERE gateway = ? AND video_id = ?", key)
    return sorted(source for (source,) in rows)


def batches(
    changes: Iterable[ListingChange], most: int = MOST_CHANGES
) -> Iterator[list[ListingChange]]:
    """Split changes into parts of at most `most` watches; all that is new comes first."""
    changes = list(changes)
    added = [ListingChange(one.source, specs=(spec,)) for one in changes for spec in one.specs]
    removed = [ListingChange(one.source, removed=(key,)) for one in changes for key in one.removed]
    rest = iter([*added, *removed])
    while batch := list(islice(rest, most)):
        yield batch


def by_gateway(keys: Iterable[WatchKey]) -> Iterable[tuple[str, list[str]]]:
    """Return each gateway with the ids of its videos."""
    found: dict[str, list[str]] = {}
    for gateway, video_id in keys:
        found.setdefault(gateway, []).append(video_id)
    return found.items()


def add(db: Connection, listed: Collection[tuple[str, WatchKey]]) -> None:
    """Record which source lists which watch; it takes the place of discovery."""
    db.executemany(
        "INSERT INTO listings (source, gateway, video_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(source, *key) for source, key in listed],
    )
    db.executemany(
        "DELETE FROM listings WHERE gateway = ? AND video_id = ? AND source = ?",
        [(*key, DISCOVERY_SOURCE) for source, key in listed if source != DISCOVERY_SOURCE],
    )


def remove(db: Connection, source: str, key: WatchKey, now: float) -> list[int]:
    """Record that `source` does not list a watch any more; withdraw it if no other does.

    Returns the rows that were withdrawn.
    """
    db.execute(
        "DELETE FROM listings WHERE gateway = ? AND video_id = ? AND source = ?", (*key, source)
    )
    rows = db.execute(
        "UPDATE watches SET state = 'withdrawn', closed_at = ?1 WHERE gateway = ?2 "
        "AND video_id = ?3 AND state = 'open' AND NOT EXISTS (SELECT 1 FROM listings l "
        "WHERE l.gateway = ?2 AND l.video_id = ?3) RETURNING id",
        (now, *key),
    ).fetchall()
    return [row for (row,) in rows]


def replace(db: Connection, listed: Sequence[Listing], gone: Collection[str]) -> None:
    """Record all that some sources list, instead of what they listed before."""
    for source in (*gone, *(listing.source for listing in listed)):
        db.execute("DELETE FROM listings WHERE source = ?", (source,))
    db.executemany(
        "INSERT INTO listings (source, gateway, video_id) VALUES (?, ?, ?)",
        ((listing.source, *key) for listing in listed for key in _keys(listing)),
    )
    db.execute(
        "DELETE FROM listings AS found WHERE source = ? AND EXISTS (SELECT 1 FROM listings l "
        "WHERE l.gateway = found.gateway AND l.video_id = found.video_id "
        "AND l.source <> found.source)",
        (DISCOVERY_SOURCE,),
    )


def _keys(listing: Listing) -> Iterable[WatchKey]:
    return dict.fromkeys(spec.key for spec in listing.specs)


def latest(listed: Sequence[Listing]) -> Iterable[WatchSpec]:
    """Return one spec per key: the one of the highest generation."""
    wanted: dict[WatchKey, WatchSpec] = {}
    for listing in listed:
        for spec in listing.specs:
            if spec.key not in wanted or spec.generation > wanted[spec.key].generation:
                wanted[spec.key] = spec
    return wanted.values()


def withdraw_unlisted(db: Connection, now: float) -> None:
    """Withdraw every open watch that no source lists."""
    db.execute(
        "UPDATE watches SET state = 'withdrawn', closed_at = ? WHERE state = 'open' AND NOT "
        "EXISTS (SELECT 1 FROM listings l WHERE l.gateway = watches.gateway"
        " AND l.video_id = watches.video_id)",
        (now,),
    )
