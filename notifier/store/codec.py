"""Snapshots and specs as the store's columns hold them."""

import json
from typing import Any

from notifier.model.status import Status
from notifier.model.video import Snapshot, VideoError
from notifier.model.watch import Watch, WatchKey, WatchSpec, WatchState

WATCH_COLUMNS = (
    "id, gateway, video_id, generation, state, endpoints, metadata, give_up_after, taken_at, "
    "snapshot, missing_since, missing_count"
)
"""What `load_watch` expects, in its order."""


def dump_json(value: object) -> str:
    """Return `value` as JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def dump_endpoints(spec: WatchSpec) -> str | None:
    """Return the endpoints column: NULL means all."""
    return None if spec.endpoints is None else dump_json(spec.endpoints)


def dump_snapshot(snapshot: Snapshot | None) -> str | None:
    """Return the snapshot column."""
    if snapshot is None:
        return None
    return dump_json(
        {"data": snapshot.as_data(), "word": snapshot.word, "extra": dict(snapshot.extra)}
    )


def load_snapshot(text: str | None) -> Snapshot | None:
    """Return what `dump_snapshot` was given."""
    if text is None:
        return None
    stored = json.loads(text)
    data: dict[str, Any] = stored["data"]
    data.pop("object")
    error = data.pop("error")
    status = data.pop("status")
    return Snapshot(
        status=None if status is None else Status(status),
        word=stored["word"],
        error=None if error is None else VideoError(**error),
        extra=stored["extra"],
        **data,
    )


def load_watch(row: tuple[Any, ...], *, fresh: bool = False) -> Watch:
    """Return the watch in a row of WATCH_COLUMNS; `fresh` when it was taken just now."""
    number, gateway, video_id, generation, state, endpoints, metadata, give_up_after = row[:8]
    taken_at, snapshot, missing_since, missing_count = row[8:]
    spec = WatchSpec(
        key=WatchKey(gateway, video_id),
        endpoints=None if endpoints is None else tuple(json.loads(endpoints)),
        metadata=json.loads(metadata),
        give_up_after=give_up_after,
        generation=generation,
    )
    return Watch(
        row=number,
        spec=spec,
        taken_at=taken_at,
        state=WatchState(state),
        snapshot=load_snapshot(snapshot),
        missing_since=missing_since,
        missing_count=missing_count,
        fresh=fresh,
    )
