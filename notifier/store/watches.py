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
from notifier.store.connection import TEXTS, Connection, listed
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
) -> set[WatchKey]:
    """Open and withdraw watches as `sync` does; return the keys of those that it opened."""
    listings.replace(db, listed, gone)
    fresh = _take_all(db, listings.latest(listed), now)
    listings.withdraw_unlisted(db, now)
    return fresh


def open_watches(
    db: Connection,
    fresh: Collection[WatchKey] = (),
    *,
    where: str = "",
    values: Sequence[object] = (),
) -> list[Watch]:
    """Return the open watches, those in `fresh` as such; `where` is a condition on them."""
    rows = db.execute(
        f"SELECT {WATCH_COLUMNS} FROM watches WHERE state = 'open' {where} ORDER BY id", values
    )
    return _loaded(rows, fresh)


def _open_among(
    db: Connection, keys: Iterable[WatchKey], fresh: Collection[WatchKey]
) -> list[Watch]:
    """Return those watches of `keys` that are open."""
    # the state is not a condition: the database might read all that are open for it
    rows = [
        tuple(row)
        for gateway, video_ids in listings.by_gateway(keys)
        for state, *row in db.execute(
            f"SELECT state, {WATCH_COLUMNS} FROM watches WHERE gateway = ? "
            f"AND video_id IN {TEXTS} ORDER BY id",
            (gateway, listed(video_ids)),
        )
        if state == "open"
    ]
    return _loaded(rows, fresh)


def _loaded(rows: Iterable[tuple[Any, ...]], fresh: Collection[WatchKey]) -> list[Watch]:
    """Return the watches in `rows` but the damaged ones."""
    watches = [_load(row, fresh=row[1:3] in fresh) for row in rows]
    return [watch for watch in watches if watch is not None]


def change(db: Connection, changes: Sequence[ListingChange], now: float) -> WatchChanges:
    """Apply what is different in some sources; costs as much as what is different.

    Everything new is taken before anything is removed, so that a watch that moves from one
    source to another stays open.
    """
    listings.add(db, [(one.source, spec.key) for one in changes for spec in one.specs])
    specs = [spec for one in changes for spec in one.specs]
    fresh = _take_all(db, specs, now)
    watches = _open_among(db, [spec.key for spec in specs], fresh)
    opened = [watch for watch in watches if watch.fresh]
    updated = [watch for watch in watches if not watch.fresh]
    withdrawn = list[int]()
    for source, _, removed in changes:
        for key in removed:
            withdrawn += listings.remove(db, source, key, now)
    return WatchChanges(opened, updated, withdrawn)


def _load(row: tuple[Any, ...], *, fresh: bool) -> Watch | None:
    """Return the watch in `row`, if need be without its snapshot; None when it is damaged."""
    try:
        return load_watch(row, fresh=fresh)
    except StoreError as error:
        reason = str(error)
    gateway, video_id = row_key(row)
    logger = log.get(gateway=gateway, video_id=video_id)
    with suppress(StoreError):
        watch = load_watch(without_snapshot(row), fresh=fresh)
        logger.warning("snapshot_unreadable", reason=reason, hint="the next poll renews it")
        return watch
    hint = "the others go on; to watch it anew, unlist it, then list it with a higher generation"
    logger.error("watch_unreadable", reason=reason, hint=hint)
    return None


def _take_all(db: Connection, specs: Iterable[WatchSpec], now: float) -> set[WatchKey]:
    """Open the watches of `specs` that are neither open nor over; return the keys of those."""
    specs = list(specs)
    known = {
        WatchKey(gateway, video_id)
        for gateway, video_ids in listings.by_gateway(spec.key for spec in specs)
        for (video_id,) in db.execute(
            f"SELECT video_id FROM watches WHERE gateway = ? AND video_id IN {TEXTS}",
            (gateway, listed(video_ids)),
        )
    }
    new, again = list[WatchSpec](), list[WatchSpec]()
    for spec in specs:
        (again if spec.key in known else new).append(spec)
        known.add(spec.key)
    opened = {spec.key for spec in new}
    aliases.withdraw_discovered(db, opened, now)
    insert(db, new, now)
    return opened | {spec.key for spec in again if _take_again(db, spec, now)}


def _take_again(db: Connection, spec: WatchSpec, now: float) -> bool:
    """Open a watch that was taken before, unless it is open or over; tell whether it was."""
    row, state, generation = db.execute(
        "SELECT id, state, generation FROM watches WHERE gateway = ? AND video_id = ? "
        "ORDER BY generation DESC LIMIT 1",
        spec.key,
    ).fetchone()
    if state == "open":
        # a lower one is left from before: what listed the higher one may only be broken
        if spec.generation > generation or (
            spec.generation == generation and not _differs_from_api(db, row, spec)
        ):
            change_settings(db, row, spec)
        return False
    if spec.generation > generation:
        insert(db, [spec], now)
        return True
    if state == "ended" or _has_ended(db, spec):
        return False
    reopen(db, row, replace(spec, generation=generation), now)
    return True


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


def insert(db: Connection, specs: Iterable[WatchSpec], now: float) -> None:
    """Open new generations; `first_taken_ms` is never written again."""
    db.executemany(
        "INSERT INTO watches (gateway, video_id, generation, state, endpoints, metadata, "
        "give_up_after, taken_at, first_taken_ms) VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?)",
        [(*spec.key, spec.generation, *_settings(spec), now, int(now * 1000)) for spec in specs],
    )


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
