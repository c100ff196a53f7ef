"""Records endings in SQL, many at a time: watch closed, event, deliveries, and what follows."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from notifier.model.delivery import RecordedEnding
from notifier.model.event import EventKind, NewEvent, NotRecorded
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.job_sample import JobSample
from notifier.model.lease import Fence
from notifier.model.video import Snapshot
from notifier.store import downloads, endpoints, expiry_timers, job_samples, outbox
from notifier.store.callback_hosts import host_of
from notifier.store.codec import dump_snapshot
from notifier.store.connection import LOCK, NUMBERS, TEXTS, Connection, listed
from notifier.store.fences import ask_those_over

_NOTHING: Mapping[str, int] = MappingProxyType({})


class EndedWatch(NamedTuple):
    """An ending to be recorded; see `Store.record_ending`. `now` is when (Unix seconds)."""

    watch: int
    event: NewEvent
    last: Snapshot
    now: float
    sample: JobSample | None = None
    plan: FollowUpPlan = NO_FOLLOW_UP
    claimed: Collection[str] = ()
    fence: Fence | None = None


class _Open(NamedTuple):
    """What an open watch asks for: `names` of endpoints, in JSON, and a callback."""

    names: str | None
    url: str | None
    callback: str | None

    @property
    def host(self) -> tuple[str, str]:
        """Whom the callback waits for, see `callback_hosts`; two empty strings for none."""
        return self.callback or "", host_of(self.url or "")


def record_all(
    db: Connection, endings: Sequence[EndedWatch]
) -> list[RecordedEnding | NotRecorded]:
    """Record the endings of watches that are open, by those that own them."""
    fences = ask_those_over(db, (ending.fence for ending in endings))
    found = _open(db, {ending.watch for ending in endings})
    over = fences()
    ended: dict[int, EndedWatch] = {}
    for ending in endings:
        if ending.watch in found and ending.fence not in over:
            ended.setdefault(ending.watch, ending)
    _close(db, ended.values())
    claimed = _insert(db, ended.values())
    # in one order, so that two transactions never wait for each other
    following = sorted(ended, key=lambda watch: found[watch].host)
    callbacks = {watch: _follow(db, ended[watch], found[watch]) for watch in following}
    samples = [(each.sample, each.now) for each in ended.values() if each.sample is not None]
    job_samples.add_all(db, samples)
    return [
        RecordedEnding(ending.now, claimed.get(ending.event.id, _NOTHING), callbacks[ending.watch])
        if ended.get(ending.watch) is ending
        else _unrecorded(db, ending, is_fenced=ending.fence in over)
        for ending in endings
    ]


def _open(db: Connection, watches: Collection[int]) -> Mapping[int, _Open]:
    # the state is not a condition: PostgreSQL might read all that are open for it
    rows = db.execute(
        "SELECT w.id, w.state, w.endpoints, c.url, c.endpoint FROM watches w "
        "LEFT JOIN callbacks c ON c.watch = w.id "
        f"WHERE w.id IN {NUMBERS} ORDER BY w.id {LOCK.format('w')}",
        (listed(watches),),
    )
    return {watch: _Open(*asked) for watch, state, *asked in rows if state == "open"}


def _close(db: Connection, ended: Collection[EndedWatch]) -> None:
    db.executemany(
        "UPDATE watches SET state = 'ended', closed_at = ?, snapshot = ? WHERE id = ?",
        [(each.now, dump_snapshot(each.last), each.watch) for each in ended],
    )


def _insert(db: Connection, ended: Collection[EndedWatch]) -> Mapping[str, Mapping[str, int]]:
    """Add the events; return the deliveries that were claimed, by event and endpoint."""
    wanted = {name for each in ended for name in each.claimed}
    off = endpoints.disabled(db) if wanted else {}
    rows = [
        outbox.EventRow(
            *(each.event, each.now, each.watch, EventKind.ENDING, None),
            [name for name in each.claimed if name not in off],
        )
        for each in ended
    ]
    outbox.insert_events(db, rows)
    handed = [row.event.id for row in rows if row.claimed]
    if not handed:
        return {}
    claimed: dict[str, dict[str, int]] = {event: {} for event in handed}
    for event, endpoint, delivery in db.execute(
        "SELECT event, endpoint, id FROM deliveries "
        f"WHERE event IN {TEXTS} AND in_flight IS NOT NULL",
        (listed(handed),),
    ):
        claimed[event][endpoint] = delivery
    return claimed


def _unrecorded(
    db: Connection, ending: EndedWatch, *, is_fenced: bool
) -> RecordedEnding | NotRecorded:
    """Return why an ending was not recorded, or it if its commit only seemed to fail before.

    What was claimed with it then is due again: no lane has heard of it.
    """
    event, watch = ending.event.id, ending.watch
    row = db.execute(
        "SELECT recorded_at FROM events WHERE id = ? AND watch = ?", (event, watch)
    ).fetchone()
    if row is None:
        return NotRecorded.FENCED if is_fenced else NotRecorded.OVER
    db.execute(
        "UPDATE deliveries SET in_flight = NULL, attempts = 0 "
        "WHERE event = ? AND in_flight = ? AND attempts = 1",
        (event, *row),
    )
    lane = db.execute(
        "SELECT endpoint FROM deliveries WHERE event = ? AND host IS NOT NULL", (event,)
    ).fetchone()
    return RecordedEnding(row[0], _NOTHING, None if lane is None else lane[0], again=True)


def _follow(db: Connection, ending: EndedWatch, asked: _Open) -> str | None:
    """Add what few endings have: endpoints that are gone, a timer, a download, a callback.

    Returns the lane of the callback.
    """
    watch, event, now, plan = ending.watch, ending.event.id, ending.now, ending.plan
    if asked.names is not None:
        outbox.insert_removed(db, event, asked.names, now)
    if plan.expires_at is not None:
        expiry_timers.add(db, watch, plan.expires_at)
    if plan.archive:
        downloads.add(db, watch, now, plan.expires_at)
    if asked.url is None or asked.callback is None:
        return None
    return outbox.insert_callback(db, event, asked.url, asked.callback, now)
