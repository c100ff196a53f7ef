"""Records endings in SQL, many at a time: watch closed, event, deliveries, and what follows."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from notifier.model.event import EventKind, NewEvent
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.job_sample import JobSample
from notifier.model.video import Snapshot
from notifier.store import downloads, expiry_timers, job_samples, outbox
from notifier.store.codec import dump_snapshot
from notifier.store.connection import NUMBERS, Connection, listed


class EndedWatch(NamedTuple):
    """An ending to be recorded; see `Store.record_ending`. `now` is when (Unix seconds)."""

    watch: int
    event: NewEvent
    last: Snapshot
    now: float
    sample: JobSample | None = None
    plan: FollowUpPlan = NO_FOLLOW_UP


class _Open(NamedTuple):
    """What an open watch asks for: `names` of endpoints, in JSON, and a callback."""

    names: str | None
    url: str | None
    callback: str | None


def record_all(db: Connection, endings: Sequence[EndedWatch]) -> list[bool]:
    """Record the endings of watches that are open; return for each whether its watch was."""
    found = _open(db, {ending.watch for ending in endings})
    ended: dict[int, EndedWatch] = {}
    for ending in endings:
        if ending.watch in found:
            ended.setdefault(ending.watch, ending)
    _close(db, ended.values())
    outbox.insert_events(
        db,
        [
            outbox.EventRow(ending.event, ending.now, ending.watch, EventKind.ENDING)
            for ending in ended.values()
        ],
    )
    for ending in ended.values():
        _follow(db, ending, found[ending.watch])
    samples = [(each.sample, each.now) for each in ended.values() if each.sample is not None]
    job_samples.add_all(db, samples)
    return [ended.get(ending.watch) is ending for ending in endings]


def _open(db: Connection, watches: Collection[int]) -> Mapping[int, _Open]:
    rows = db.execute(
        "SELECT w.id, w.endpoints, c.url, c.endpoint FROM watches w "
        "LEFT JOIN callbacks c ON c.watch = w.id "
        f"WHERE w.id IN {NUMBERS} AND w.state = 'open'",
        (listed(watches),),
    )
    return {watch: _Open(*asked) for watch, *asked in rows}


def _close(db: Connection, ended: Collection[EndedWatch]) -> None:
    db.executemany(
        "UPDATE watches SET state = 'ended', closed_at = ?, snapshot = ? WHERE id = ?",
        [(each.now, dump_snapshot(each.last), each.watch) for each in ended],
    )


def _follow(db: Connection, ending: EndedWatch, asked: _Open) -> None:
    """Add what few endings have: a callback, endpoints that are gone, a timer, a download."""
    watch, event, now, plan = ending.watch, ending.event.id, ending.now, ending.plan
    if asked.url is not None and asked.callback is not None:
        outbox.insert_callback(db, event, asked.url, asked.callback, now)
    if asked.names is not None:
        outbox.insert_removed(db, event, asked.names, now)
    if plan.expires_at is not None:
        expiry_timers.add(db, watch, plan.expires_at)
    if plan.archive:
        downloads.add(db, watch, now, plan.expires_at)
