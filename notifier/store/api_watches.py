"""Watches that no file lists, in SQL: those of the control API and of pass-through.

They have the source `api` or `passthrough`. A watch that files list as well stays with its files.
"""

from dataclasses import replace

from notifier.errors import ConflictError, UnknownError
from notifier.model.watch import (
    API_SOURCE,
    DISCOVERY_SOURCE,
    NO_FILES,
    PASSTHROUGH_SOURCE,
    Callback,
    Watch,
    WatchKey,
    WatchSpec,
    WatchState,
)
from notifier.store import aliases, listings, watches
from notifier.store.connection import Connection


def add(
    db: Connection,
    spec: WatchSpec,
    callback: Callback | None,
    now: float,
    *,
    again: bool,
) -> tuple[Watch, bool]:
    """Take the watch of `spec` for the control API; tell whether that made it open.

    One that is open is returned as it is, or with these settings if discovery opened it. One that
    has ended is returned as it is, unless `again` or a higher generation is asked for. `again`
    takes the next generation after an ended or withdrawn one. Raises ConflictError when the watch
    is open with other settings.
    """
    known = watches.latest(db, spec.key)
    if known is not None and known.state is WatchState.OPEN:
        if listings.sources_of(db, spec.key) == [DISCOVERY_SOURCE]:
            return _take_over(API_SOURCE, db, spec, known, callback), False
        same = replace(spec, generation=known.spec.generation) == known.spec
        if not same or watches.callback_of(db, known.row) != callback:
            places = ", ".join(listings.sources_of(db, spec.key))
            raise ConflictError(f"{spec.key} is already watched with other settings ({places})")
        listings.add(db, [(API_SOURCE, spec.key)])
        return known, False
    if known is not None:
        reached = known.spec.generation + again
        spec = replace(spec, generation=max(spec.generation, reached))
        if known.state is WatchState.ENDED and spec.generation == known.spec.generation:
            return known, False
    return _open_for(API_SOURCE, db, spec, known, callback, now), True


def add_passed(
    db: Connection, spec: WatchSpec, callback: Callback | None, now: float
) -> tuple[Watch, bool]:
    """Take the watch of a job whose creation was passed through; tell whether it is new.

    One that discovery opened gets these settings. Any other that is known stays as it is: an
    answer that was paid for is never refused, and what was withdrawn stays so.
    """
    known = watches.latest(db, spec.key)
    if known is None:
        return _open_for(PASSTHROUGH_SOURCE, db, spec, None, callback, now), True
    discovered = listings.sources_of(db, spec.key) == [DISCOVERY_SOURCE]
    if known.state is WatchState.OPEN and discovered:
        return _take_over(PASSTHROUGH_SOURCE, db, spec, known, callback), True
    return known, False


def _open_for(
    source: str,
    db: Connection,
    spec: WatchSpec,
    known: Watch | None,
    callback: Callback | None,
    now: float,
) -> Watch:
    """Open the generation of `spec`: the withdrawn one that is `known`, or a new one."""
    if known is not None and known.spec.generation == spec.generation:
        watches.reopen(db, known.row, spec, now)
    else:
        aliases.withdraw_discovered(db, [spec.key], now)
        watches.insert(db, [spec], now)
    taken = watches.latest(db, spec.key)
    assert taken is not None  # noqa: S101 - it was opened above
    listings.add(db, [(source, spec.key)])
    _set_callback(db, taken.row, callback)
    return replace(taken, fresh=True)


def _take_over(
    source: str,
    db: Connection,
    spec: WatchSpec,
    known: Watch,
    callback: Callback | None,
) -> Watch:
    """Give an open watch that discovery opened the settings of `spec`."""
    spec = replace(spec, generation=known.spec.generation)
    watches.change_settings(db, known.row, spec)
    listings.add(db, [(source, spec.key)])
    _set_callback(db, known.row, callback)
    return replace(known, spec=spec)


def _set_callback(db: Connection, row: int, callback: Callback | None) -> None:
    db.execute("DELETE FROM callbacks WHERE watch = ?", (row,))
    if callback is not None:
        db.execute(
            "INSERT INTO callbacks (watch, url, endpoint) VALUES (?, ?, ?)",
            (row, callback.url, callback.endpoint),
        )


def remove(db: Connection, key: WatchKey, now: float) -> int:
    """Withdraw an open watch that no file lists; return its row.

    Raises UnknownError when it is not watched, ConflictError when it has ended or a file lists
    it.
    """
    known = watches.latest(db, key)
    if known is None or known.state is WatchState.WITHDRAWN:
        raise UnknownError(f"{key} is not watched")
    if known.state is WatchState.ENDED:
        raise ConflictError(f"{key} has already ended")
    files = set(listings.sources_of(db, key)) - NO_FILES
    if files:
        raise ConflictError(f"{key} is listed in {', '.join(sorted(files))}: remove it there")
    db.execute("DELETE FROM listings WHERE gateway = ? AND video_id = ?", key)
    db.execute(
        "UPDATE watches SET state = 'withdrawn', closed_at = ? WHERE id = ?", (now, known.row)
    )
    return known.row
