"""Watches in SQL: what sources list, what is open, what was last observed."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from notifier import log
from notifier.errors import StoreError
from notifier.model.lease import watch_lease
from notifier.model.watch import (
    API_SOURCE,
    PASSTHROUGH_SOURCE,
    Callback,
    Listing,
    ListingChange,
    Observation,
    Watch,
    WatchChanges,
    WatchKey,
    WatchSpec,
)
from notifier.store import aliases, listings
from notifier.store.codec import (
    WATCH_COLUMNS,
    dump_endpoints,
    dump_json,
    dump_snapshot,
    load_watch,
    row_key,
    without_snapshot,
)
from notifier.store.connection import Connection
from notifier.store.fences import those_over


def sync(
    db: Connection, listed: Sequence[Listing], gone: Collection[str], now: float
) -> list[Watch]:
    """Make the open watches what all sources list, and return all of them.

    `listed` are the sources that could be read, `gone` the names of sources that are no more. A
    source in neither (a broken file) keeps what it listed when it was last readable. A watch
    whose row is damaged is left out and logged. For the start: it reads every open watch.
    """
    fresh = take_listed(db, listed, gone, now)
    return open_watches(db, fresh)


def take_listed(
    db: Connection, listed: Sequence[Listing], gone: Collection[str], now: float
) -> set[int]:
    """Open and withdraw watches as `sync` does; return the rows of those that it took."""
    listings.replace(db, listed, gone)
    taken = [_take(db, spec, now) for spec in listings.latest(listed)]
    listings.withdraw_unlisted(db, now)
    return {row for row in taken if row is not None}


def open_watches(
    db: Connection,
    fresh: Collection[int] = (),
    *,
    where: str = "",
    values: Sequence[object] = (),
) -> list[Watch]:
    """Return the open watches, those in `fresh` as such; `where` is a condition on them."""
    rows = db.execute(
        f"SELECT {WATCH_COLUMNS} FROM watches WHERE state = 'open' {where} ORDER BY id", values
    )
    watches = [_load(row, fresh=row[0] in fresh) for row in rows]
    return [watch for watch in watches if watch is not None]


def change(db: Connection, changes: Sequence[ListingChange], now: float) -> WatchChanges:
    """Apply what is different in some sources; costs as much as what is different.

    Everything new is taken before anything is removed, so that a watch that moves from one
    source to another stays open.
    """
    opened, updated = list[Watch](), list[Watch]()
    for source, specs, _ in changes:
        for spec in specs:
            listings.add(db, source, spec.key)
            fresh = _take(db, spec, now) is not None
            watch = _open(db, spec.key, fresh=fresh)
            if watch is not None:
                (opened if fresh else updated).append(watch)
    withdrawn = list[int]()
    for source, _, removed in changes:
        for key in removed:
            withdrawn += listings.remove(db, source, key, now)
    return WatchChanges(opened, updated, withdrawn)


def _open(db: Connection, key: WatchKey, *, fresh: bool) -> Watch | None:
    row = db.execute(
        f"SELECT {WATCH_COLUMNS} FROM watches WHERE gateway = ? AND video_id = ? "
        "AND state = 'open' ORDER BY generation DESC LIMIT 1",
        key,
    ).fetchone()
    return None if row is None else _load(row, fresh=fresh)


def _load(row: tuple[Any, ...], *, fresh: bool) -> Watch | None:
    """Return the watch in `row`, if need be without its snapshot; None when it is damaged."""
    gateway, video_id = row_key(row)
    logger = log.get(gateway=gateway, video_id=video_id)
    try:
        return load_watch(row, fresh=fresh)
    except StoreError as error:
        reason = str(error)
    with suppress(StoreError):
        watch = load_watch(without_snapshot(row), fresh=fresh)
        logger.warning("snapshot_unreadable", reason=reason, hint="the next poll renews it")
        return watch
    hint = "the others go on; to watch it anew, unlist it, then list it with a higher generation"
    logger.error("watch_unreadable", reason=reason, hint=hint)
    return None


def _take(db: Connection, spec: WatchSpec, now: float) -> int | None:
    """Open the watch of `spec` unless it is open or over; return its row if it was opened."""
    known = db.execute(
        "SELECT id, state, generation FROM watches WHERE gateway = ? AND video_id = ? "
        "ORDER BY generation DESC LIMIT 1",
        spec.key,
    ).fetchone()
    if known is None:
        aliases.withdraw_discovered(db, spec.key, now)
        return insert(db, spec, now)
    row, state, generation = known
    if state == "open":
        # a lower one is left from before: what listed the higher one may only be broken
        if spec.generation > generation or (
            spec.generation == generation and not _differs_from_api(db, row, spec)
        ):
            change_settings(db, row, spec)
        return None
    if spec.generation > generation:
        return insert(db, spec, now)
    if state == "ended" or _has_ended(db, spec):
        return None
    reopen(db, row, replace(spec, generation=generation), now)
    return int(row)


def reopen(db: Connection, row: int, spec: WatchSpec, now: float) -> None:
    """Open a withdrawn watch in its generation; its deadline and grace start anew."""
    change_settings(db, row, spec)
    db.execute(
        "UPDATE watches SET state = 'open', closed_at = NULL, taken_at = ?, "
        "missing_since = NULL, missing_count = 0 WHERE id = ?",
        (now, row),
    )


def callback_of(db: Connection, row: int) -> Callback | None:
    """Return the callback of a watch, None when it has none."""
    found = db.execute("SELECT url, endpoint FROM callbacks WHERE watch = ?", (row,)).fetchone()
    return None if found is None else Callback(*found)


def latest(db: Connection, key: WatchKey) -> Watch | None:
    """Return the watch of the highest generation, None when there is none."""
    row = db.execute(
        f"SELECT {WATCH_COLUMNS} FROM watches WHERE gateway = ? AND video_id = ? "
        "ORDER BY generation DESC LIMIT 1",
        key,
    ).fetchone()
    return None if row is None else load_watch(row)


def _differs_from_api(db: Connection, row: int, spec: WatchSpec) -> bool:
    """Tell whether a program added the open watch with settings other than `spec`."""
    if not {API_SOURCE, PASSTHROUGH_SOURCE}.intersection(listings.sources_of(db, spec.key)):
        return False
    kept = latest(db, spec.key)
    if kept is None or kept.row != row or kept.spec == spec:
        return False
    hint = "those that it was added with count; remove one of the two"
    log.get(gateway=spec.key.gateway, video_id=spec.key.video_id).warning(
        "watch_listed_with_other_settings", hint=hint
    )
    return True


def insert(db: Connection, spec: WatchSpec, now: float) -> int:
    """Open a new generation and return its row; `first_taken_ms` is never written again."""
    row = db.execute(
        "INSERT INTO watches (gateway, video_id, generation, state, endpoints, metadata, "
        "give_up_after, taken_at, first_taken_ms) VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?) "
        "RETURNING id",
        (*spec.key, spec.generation, *_settings(spec), now, int(now * 1000)),
    ).fetchone()
    return int(row[0])


def _has_ended(db: Connection, spec: WatchSpec) -> bool:
    """Tell whether this generation, or a later one, already has its event."""
    row = db.execute(
        "SELECT 1 FROM watches WHERE gateway = ? AND video_id = ? AND generation >= ? "
        "AND state = 'ended'",
        (*spec.key, spec.generation),
    ).fetchone()
    return row is not None


def change_settings(db: Connection, row: int, spec: WatchSpec) -> None:
    """Give a watch the settings and the generation of `spec`."""
    db.execute(
        "UPDATE watches SET endpoints = ?, metadata = ?, give_up_after = ?, generation = ? "
        "WHERE id = ?",
        (*_settings(spec), spec.generation, row),
    )


def _settings(spec: WatchSpec) -> tuple[str | None, str, float | None]:
    return dump_endpoints(spec), dump_json(dict(spec.metadata)), spec.give_up_after


def save_observations(db: Connection, observations: Iterable[Observation]) -> None:
    """Store the last observation of open watches, for a restart and for readers.

    Those whose ownership is over are left out.
    """
    observations = list(observations)
    over = those_over(db, (one.fence for one in observations))
    db.executemany(
        "UPDATE watches SET snapshot = ?, missing_since = ?, missing_count = ? "
        "WHERE id = ? AND state = 'open'",
        (
            (dump_snapshot(snapshot), missing_since, missing_count, row)
            for row, snapshot, missing_since, missing_count, fence in observations
            if fence not in over
        ),
    )


def bring_back(db: Connection, now: float) -> None:
    """Move `taken_at` and `missing_since` out of the future: a wrong clock may have set them."""
    db.execute("UPDATE watches SET taken_at = ? WHERE taken_at > ?", (now, now))
    db.execute("UPDATE watches SET missing_since = ? WHERE missing_since > ?", (now, now))


def count_open(db: Connection) -> int:
    """Return how many watches are open."""
    return sum(open_by_gateway(db).values())


def open_by_gateway(db: Connection) -> dict[str, int]:
    """Return how many watches are open on each gateway that has any, as triggers count them."""
    rows = db.execute("SELECT gateway, count FROM open_counts WHERE count > 0")
    return dict(rows.fetchall())


def open_by_lease(db: Connection) -> dict[str, int]:
    """Return how many watches are open, by the name of the lease of their shard."""
    rows = db.execute(
        "SELECT gateway, shard, count(*) FROM watches WHERE state = 'open' GROUP BY gateway, shard"
    ).fetchall()
    return {watch_lease(gateway, shard): number for gateway, shard, number in rows}
