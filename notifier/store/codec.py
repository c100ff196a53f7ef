"""Converts snapshots and watch settings to columns and back."""

import json
from sys import intern
from typing import Any, TypeVar

from notifier.errors import StoreError
from notifier.model.extras import pack
from notifier.model.status import Status
from notifier.model.video import NOTHING, Snapshot, VideoError
from notifier.model.watch import Watch, WatchKey, WatchSpec, WatchState

T = TypeVar("T")

WATCH_COLUMNS = (
    "id, gateway, video_id, generation, state, endpoints, metadata, give_up_after, taken_at, "
    "snapshot, missing_since, missing_count, first_taken_ms"
)
"""The columns of a row for `load_watch`, in order."""

_SNAPSHOT = 9
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a damaged column raises."""


def decode_text(raw: bytes) -> str:
    """Return a text column; bytes that are not UTF-8 damage their row only, not the query."""
    return raw.decode("utf-8", "surrogateescape")


def dump_json(value: object) -> str:
    """Return `value` as JSON text."""
    return _encoder.encode(value)


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


def load_watch(row: tuple[Any, ...], *, fresh: bool = False) -> Watch:
    """Return the watch in a row of WATCH_COLUMNS; `fresh` when it was taken just now.

    Raises StoreError, which names the watch, when the row is damaged.
    """
    try:
        return _load_watch(row, fresh=fresh)
    except DAMAGE as error:
        gateway, video_id = row_key(row)
        raise StoreError(
            f"the watch {gateway}/{video_id} is damaged in the store ({type(error).__name__})"
        ) from None


def without_snapshot(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row of WATCH_COLUMNS without its snapshot."""
    return (*row[:_SNAPSHOT], None, *row[_SNAPSHOT + 1 :])


def row_key(row: tuple[Any, ...]) -> tuple[str, str]:
    """Return gateway and video id of a row of WATCH_COLUMNS; they can always be printed."""
    gateway, video_id = (
        str(value).encode("utf-8", "backslashreplace").decode() for value in row[1:3]
    )
    return gateway, video_id


def _load_watch(row: tuple[Any, ...], *, fresh: bool) -> Watch:
    number, gateway, video_id, generation, state, endpoints, metadata, give_up_after = row[:8]
    taken_at, snapshot, missing_since, missing_count, first_taken_ms = row[8:]
    labels = {key: _text(value) for key, value in _load_json(metadata, dict).items()}
    spec = WatchSpec(
        # one text for all watches of a gateway, and for all that is known about a video
        key=WatchKey(intern(_text(gateway)), intern(_text(video_id))),
        endpoints=None if endpoints is None else tuple(map(_text, _load_json(endpoints, list))),
        metadata=labels or NOTHING,
        give_up_after=None if give_up_after is None else _number(give_up_after),
        generation=int(generation),
    )
    return Watch(
        row=number,
        spec=spec,
        taken_at=_number(taken_at),
        state=WatchState(state),
        snapshot=None if snapshot is None else load_snapshot(snapshot),
        missing_since=None if missing_since is None else _number(missing_since),
        missing_count=int(missing_count),
        fresh=fresh,
        first_taken_ms=int(first_taken_ms),
    )


def load_snapshot(text: str) -> Snapshot:
    """Return the snapshot in a column that `dump_snapshot` made."""
    stored = _load_json(text, dict)
    data: dict[str, Any] = {
        name: intern(value) if isinstance(value, str) else value
        for name, value in stored["data"].items()
    }
    data.pop("object")
    error = data.pop("error")
    status = data.pop("status")
    return Snapshot(
        status=None if status is None else Status(status),
        word=intern(stored["word"]),
        error=None if error is None else VideoError(**error),
        extra=pack(stored["extra"]),
        **data,
    )


def _load_json(text: object, kind: type[T]) -> T:
    value = json.loads(_text(text))
    if not isinstance(value, kind):
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # raises for bytes that were not UTF-8
    return value


def _number(value: object) -> float:
    if not isinstance(value, float | int):
        raise TypeError
    return value
