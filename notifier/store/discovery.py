"""Discovery in SQL: the mark of each gateway's list, the known jobs, and the watches they open.

New jobs, the watches that they open and the mark are committed together. A watch that exists in
any state is left as it is: discovery takes no job again.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from notifier.model.discovery import DiscoveryRecord, Fate, FoundJob, Mark, StoredJob
from notifier.model.video_ids import inner_of
from notifier.model.watch import DISCOVERY_SOURCE, Watch, WatchKey, WatchSpec
from notifier.store import listings, watches
from notifier.store.connection import Connection

BATCH = 500
"""The most jobs that one transaction records or removes."""

_SHORTEST_ENCODED = 60
"""Encoded ids are longer than this; see `notifier.model.video_ids`."""

_MARK = "gateway, base_url, epoch, has_baseline, baseline_until, floor, walk, oldest_first, tail"


def load(db: Connection, gateway: str, base_url: str) -> DiscoveryRecord:
    """Return what is stored for a gateway; for another `base_url` than before, a new epoch."""
    row = db.execute(
        f"SELECT {_MARK} FROM discovery_marks WHERE gateway = ?", (gateway,)
    ).fetchone()
    mark = Mark(base_url) if row is None else _mark(row)
    if mark.base_url != base_url:
        mark = Mark(base_url, mark.epoch + 1)
    rows = db.execute(
        "SELECT key, names, walk, confirmed FROM discovered_jobs WHERE gateway = ? AND epoch = ? "
        "ORDER BY id",
        (gateway, mark.epoch),
    )
    jobs = [_job(row) for row in rows]
    encoded = db.execute(
        "SELECT DISTINCT video_id FROM watches WHERE gateway = ? AND length(video_id) > ? "
        "AND substr(video_id, 1, 6) = 'video_'",
        (gateway, _SHORTEST_ENCODED),
    )
    return DiscoveryRecord(mark, jobs, [video_id for (video_id,) in encoded])


def _mark(row: tuple[Any, ...]) -> Mark:
    _, base_url, epoch, has_baseline, until, floor, walk, oldest_first, tail = row
    return Mark(
        base_url,
        epoch,
        bool(has_baseline),
        until,
        floor,
        walk,
        bool(oldest_first),
        tuple(json.loads(tail)),
    )


def _job(row: tuple[Any, ...]) -> StoredJob:
    key, names, walk, confirmed = row
    return StoredJob(key, tuple(json.loads(names)), walk, bool(confirmed))


def record(
    db: Connection,
    gateway: str,
    found: Sequence[FoundJob],
    walk: int,
    mark: Mark,
    now: float,
) -> list[Watch]:
    """Record jobs that the walk of this number found, and the mark; return the watches opened."""
    db.executemany(
        "INSERT INTO discovered_jobs "
        '(gateway, epoch, key, names, "inner", created_at, walk, confirmed) '
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            (
                *(gateway, mark.epoch, job.key, json.dumps(job.names), inner_of(job.key)),
                *(job.created_at, walk, int(job.fate is not Fate.UNCONFIRMED)),
            )
            for job in found
        ),
    )
    _save(db, gateway, mark)
    taken = (job.names for job in found if job.fate is Fate.TAKEN)
    return _opened(_take(db, gateway, names, now) for names in taken)


def _save(db: Connection, gateway: str, mark: Mark) -> None:
    db.execute(
        f"INSERT INTO discovery_marks ({_MARK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (gateway) DO UPDATE SET base_url = excluded.base_url, "
        "epoch = excluded.epoch, has_baseline = excluded.has_baseline, "
        "baseline_until = excluded.baseline_until, floor = excluded.floor, "
        "walk = excluded.walk, oldest_first = excluded.oldest_first, tail = excluded.tail",
        (
            *(gateway, mark.base_url, mark.epoch, int(mark.has_baseline), mark.baseline_until),
            *(mark.floor, mark.walk, int(mark.oldest_first), json.dumps(mark.tail)),
        ),
    )


def confirm(
    db: Connection, gateway: str, epoch: int, key: str, now: float, *, runs: bool
) -> list[Watch]:
    """Record that a single answer decided about a job; it is watched if it `runs`."""
    row = db.execute(
        "UPDATE discovered_jobs SET confirmed = 1 WHERE gateway = ? AND key = ? AND epoch = ? "
        "AND confirmed = 0 RETURNING names",
        (gateway, key, epoch),
    ).fetchone()
    if row is None or not runs:
        return []
    return _opened([_take(db, gateway, tuple(json.loads(row[0])), now)])


def _take(db: Connection, gateway: str, names: Sequence[str], now: float) -> Watch | None:
    """Open a watch of a job, unless there is or was one under any of its names."""
    marks = ", ".join("?" * len(names))
    exists = db.execute(
        f"SELECT 1 FROM watches WHERE gateway = ? AND video_id IN ({marks}) LIMIT 1",
        (gateway, *names),
    ).fetchone()
    if exists is not None:
        return None
    key = WatchKey(gateway, names[0])
    watches.insert(db, [WatchSpec(key)], now)
    listings.add(db, [(DISCOVERY_SOURCE, key)])
    return watches.latest(db, key)


def _opened(taken: Iterable[Watch | None]) -> list[Watch]:
    return [watch for watch in taken if watch is not None]


def forget(db: Connection, gateway: str, mark: Mark, kept: int) -> tuple[list[str], int | None]:
    """Remove a batch of the oldest jobs but the newest `kept`; return their keys, and the floor.

    What is removed is behind the floor from now on. Jobs without a time need none: the newest
    `kept` reach further back than a walk.
    """
    pivot = db.execute(
        "SELECT id FROM discovered_jobs WHERE gateway = ? AND epoch = ? "
        "ORDER BY id DESC LIMIT 1 OFFSET ?",
        (gateway, mark.epoch, kept),
    ).fetchone()
    if pivot is None:
        return [], mark.floor
    (oldest,) = db.execute(
        "SELECT min(created_at) FROM discovered_jobs WHERE gateway = ? AND epoch = ? AND id > ?",
        (gateway, mark.epoch, pivot[0]),
    ).fetchone()
    floor = mark.floor
    if oldest is not None:
        floor = oldest - 1 if floor is None else max(floor, oldest - 1)
    removed = db.execute(
        "DELETE FROM discovered_jobs WHERE id IN (SELECT id FROM discovered_jobs "
        "WHERE gateway = ?1 AND epoch = ?2 AND id <= ?3 AND confirmed = 1 "
        "AND (created_at IS NULL OR created_at <= ?4) ORDER BY id LIMIT ?5) RETURNING key",
        (gateway, mark.epoch, pivot[0], floor, BATCH),
    ).fetchall()
    _save(db, gateway, mark._replace(floor=floor))
    return [key for (key,) in removed], floor


def forget_earlier(db: Connection, gateway: str, epoch: int) -> int:
    """Remove a batch of the jobs of earlier epochs; return how many."""
    removed = db.execute(
        "DELETE FROM discovered_jobs WHERE id IN (SELECT id FROM discovered_jobs "
        "WHERE gateway = ? AND epoch < ? LIMIT ?)",
        (gateway, epoch, BATCH),
    )
    return removed.rowcount
