"""Moves the stored timestamps when the system clock was set.

All timestamps in the store are by the daemon's steady clock, which reads the system clock only
once, at its start. If the system clock is set while a daemon runs, the next daemon would misread
them: a watch taken a minute ago would seem a year old. So the store keeps what the timestamps
count from, and every start moves them to its own steady clock:

- Within one boot of the machine both steady clocks count from the same uptime: the difference of
  their offsets is exact, even if the daemon was killed just after the clock was set.
- After another boot the last noticed drift counts: by how many seconds the system clock was ahead
  of the steady clock.
- If the earlier daemon began before notifier existed (a machine without a battery boots in 1970),
  no difference means anything: the newest timestamp counts as now.
- If the system clock was set back while no daemon ran, the store holds records of the future; the
  newest of them counts as now.
"""

import json
import math
from contextlib import suppress
from typing import NamedTuple

from notifier.model.steady_base import SteadyBase
from notifier.store.connection import Connection, set_meta

_TIMESTAMPS = {
    "watches": ("taken_at", "closed_at", "missing_since"),
    "events": ("recorded_at",),
    "deliveries": ("due_at", "in_flight", "settled_at"),
    "endpoints": ("failing_since", "last_failure", "disabled_since"),
    "job_samples": ("recorded_at",),
    "expiry_timers": ("expires_at",),
    "downloads": ("due_at", "deadline", "settled_at"),
}
_RECORDED = {"events": "recorded_at", "deliveries": "settled_at", "endpoints": "last_failure"}
_TAKEN = {"watches": "taken_at"}
_PLAUSIBLE = 1_735_689_600.0  # 2025, when there was no notifier yet
_NEGLIGIBLE = 0.5  # seconds; slewing does not have every row written


class _Kept(NamedTuple):
    """What the timestamps count from; `began` is when that daemon started, by its own clock."""

    base: SteadyBase
    began: float
    drift: float


def keep_drift(db: Connection, drift: float) -> None:
    """Store that the system clock is `drift` seconds ahead of the steady clock."""
    set_meta(db, "drift", repr(drift))


def rebase(db: Connection, now: float, base: SteadyBase) -> float:
    """Move all timestamps to the steady clock of `base`, which reads `now`.

    Returns by how many seconds the system clock was set back while no daemon ran.
    """
    _move(db, _difference(db, _kept(db), now, base))
    keep_drift(db, 0.0)
    record = json.dumps([base.boot, base.offset, now])
    set_meta(db, "clock", record)
    set_back = max(_latest(db, _RECORDED) - now, 0.0)
    _move(db, -set_back)
    return set_back


def _difference(db: Connection, kept: _Kept, now: float, base: SteadyBase) -> float:
    """Return by how many seconds the kept timestamps are behind the clock of `base`."""
    if base.boot and base.boot == kept.base.boot:
        ahead = base.offset - kept.base.offset
        return ahead if abs(ahead) >= _NEGLIGIBLE else 0.0
    if kept.began + kept.drift < _PLAUSIBLE <= now:
        return now - max(kept.began, _latest(db, {**_RECORDED, **_TAKEN}))
    return kept.drift


def _kept(db: Connection) -> _Kept:
    found = dict(db.execute("SELECT key, value FROM meta WHERE key IN ('clock', 'drift')"))
    drift = 0.0
    with suppress(KeyError, TypeError, ValueError):
        drift = _number(found["drift"])
    with suppress(KeyError, TypeError, ValueError):
        boot, offset, began = json.loads(found["clock"])
        return _Kept(SteadyBase(boot, _number(offset)), _number(began), drift)
    return _Kept(SteadyBase("", 0.0), math.inf, drift)


def _number(value: object) -> float:
    """Return a stored number of seconds; raises ValueError or TypeError for anything else."""
    number = float(value)  # type: ignore[arg-type]  # anything may be stored
    if not math.isfinite(number):
        raise ValueError("not a number of seconds")
    return number


def _move(db: Connection, seconds: float) -> None:
    if not seconds:
        return
    for table, columns in _TIMESTAMPS.items():
        changes = ", ".join(f"{column} = {column} + ?1" for column in columns)
        db.execute(f"UPDATE {table} SET {changes}", (seconds,))


def _latest(db: Connection, columns: dict[str, str]) -> float:
    """Return the latest time in one column each of some tables, 0 when they are empty."""
    latest = [
        db.execute(f"SELECT max({column}) FROM {table}").fetchone()[0] or 0.0
        for table, column in columns.items()
    ]
    return float(max(latest))
