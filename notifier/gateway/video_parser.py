"""From a decoded JSON value to a snapshot of one video, whatever the dialect."""

import json
from collections.abc import Iterator, Mapping
from sys import intern

from notifier.gateway import fields
from notifier.model.status import Status, fold_word, read_status
from notifier.model.video import NOTHING, Json, Snapshot, VideoError

_PROTOCOL = frozenset(
    {
        "id", "object", "model", "status", "progress", "created_at", "completed_at",
        "expires_at", "seconds", "size", "remixed_from_video_id", "error",
    }
)  # fmt: skip
_ID_FIELDS = ("id", "task_id", "video_id")
_MAX_WORD = 64
_LONGEST_CHARACTER = 6  # bytes of JSON, as an escape
_AROUND = 32  # bytes around a text and its name, or the longest float and its name
_ENVELOPE_WORDS = frozenset({"success", "error", "fail"})
MAX_EXTRA = 20_000
"""Most that is kept of a gateway's own fields, in bytes of JSON: more never fits an event."""


def video_object(value: Json, video_id: str) -> dict[str, Json] | None:
    """Find the object that describes a video: the value itself, or what it wraps as `data`.

    It is one when it has a status word and an id. Older new-api wraps it, and an envelope may
    have a status of its own, which is how the request went and never how the job goes: what is
    inside goes first, what names `video_id` before all.
    """
    if not isinstance(value, dict):
        return None
    if (
        "data" not in value
        and value.get("id") == video_id
        and isinstance(value.get("status"), str)
    ):
        return value
    said = (_inside(value), None if _wraps(value) else value)
    candidates = [one for one in said if one is not None and _is_job(one)]
    candidates.sort(key=lambda candidate: video_id not in ids(candidate))
    return candidates[0] if candidates else None


def calls_itself_video(value: Json) -> bool:
    """Return whether an object says that it is a video, whatever else it leaves out."""
    return isinstance(value, dict) and value.get("object") == "video"


def is_envelope(body: Mapping[str, Json]) -> bool:
    """Return whether an object's status may well be that of the request and not of a job."""
    word = body.get("status")
    return (
        isinstance(word, str)
        and fold_word(word) in _ENVELOPE_WORDS
        and not calls_itself_video(body)
        and "progress" not in body
    )


def _wraps(value: dict[str, Json]) -> bool:
    return "data" in value and isinstance(value["data"], dict | None) and is_envelope(value)


def _inside(value: dict[str, Json]) -> dict[str, Json] | None:
    """Return what an object wraps; an envelope may be what says whose job it is."""
    inner = value.get("data")
    if not isinstance(inner, dict):
        return None
    if _wraps(value) and not any(True for _ in ids(inner)):
        return {name: value[name] for name in _ID_FIELDS if name in value} | inner
    return inner


def _is_job(body: dict[str, Json]) -> bool:
    return isinstance(body.get("status"), str) and any(True for _ in ids(body))


def is_about(body: Mapping[str, Json], video_id: str) -> bool:
    """Return whether this object calls itself `video_id`."""
    return body.get("id") == video_id or video_id in ids(body)


def ids(body: Mapping[str, Json]) -> Iterator[str]:
    """Yield every id by which this object calls itself."""
    for name in _ID_FIELDS:
        value = body.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            yield value if isinstance(value, str) else fields.text(value) or ""


def read_snapshot(
    body: dict[str, Json], video_id: str, status_words: Mapping[str, Status]
) -> Snapshot:
    """Read a video object; the watched id stays the identity whatever the object calls itself."""
    said = body.get
    # the same few words again and again: one text serves for all who remember it
    word = intern(str(body["status"])[:_MAX_WORD])
    status = read_status(word, status_words)
    error: VideoError | None = None
    if _unhappy(status):
        error = fields.failure(body, fold_word(word))
    elif (told := said("error")) is not None:
        error = fields.error(told)
    # "failed" with this code is how Unsloth Studio and others report a cancelled job
    if status is Status.FAILED and error is not None and _is_cancel(error.code):
        status = Status.CANCELLED
    progress = fields.progress(said("progress"))
    if status is Status.COMPLETED and progress is None:
        progress = 100
    return Snapshot(
        video_id,
        status,
        word,
        fields.text(said("model")),
        progress,
        fields.timestamp(said("created_at")),
        fields.timestamp(said("completed_at")),
        fields.timestamp(said("expires_at")),
        fields.text(said("seconds")),
        fields.text(said("size")),
        fields.text(said("remixed_from_video_id")),
        error,
        NOTHING if body.keys() <= _PROTOCOL else _extra(body),
    )


def is_repeated(known: Snapshot, body: dict[str, Json], video_id: str) -> bool:
    """Return whether an object says about a running job what is `known`, and nothing else.

    What it leaves out stays known (`Snapshot.after`), except for its progress.
    """
    said = body.get
    return (
        said("status") == known.word
        and said("id") == video_id
        and said("progress") == known.progress
        and (said("model") or known.model) == known.model
        and (said("created_at") or known.created_at) == known.created_at
        and (said("seconds") or known.seconds) == known.seconds
        and (said("size") or known.size) == known.size
        and (said("remixed_from_video_id") or known.remixed_from_video_id)
        == known.remixed_from_video_id
        and said("completed_at") == known.completed_at
        and said("expires_at") == known.expires_at
        and said("error") is None
        and not (known.ended or known.error or known.extra)
        and body.keys() <= _PROTOCOL
    )


def _extra(body: dict[str, Json]) -> Mapping[str, Json]:
    """Return the gateway's own fields, smallest first while they are small enough together."""
    extra = {name: body[name] for name in body if name not in _PROTOCOL}
    return extra if _at_most(extra) <= MAX_EXTRA else _bounded(extra)


def _at_most(container: dict[str, Json] | list[Json]) -> int:
    """Return a number of bytes that the JSON of `container` does not exceed, found quickly."""
    size = len(container) * _AROUND + 2
    if isinstance(container, dict):
        size += len("".join(container)) * _LONGEST_CHARACTER
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, str):
            size += len(value) * _LONGEST_CHARACTER
        elif isinstance(value, dict | list):
            size += _at_most(value)
        elif isinstance(value, int):
            size += value.bit_length() // 3
    return size


def _bounded(extra: dict[str, Json]) -> dict[str, Json]:
    sizes = {name: _size({name: value}) for name, value in extra.items()}
    kept: set[str] = set()
    room = MAX_EXTRA
    for name in sorted(sizes, key=sizes.__getitem__):
        room -= sizes[name]
        if room < 0:
            break
        kept.add(name)
    return {name: value for name, value in extra.items() if name in kept}


def _size(value: Json) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _unhappy(status: Status | None) -> bool:
    return status is Status.FAILED or status is Status.CANCELLED


def _is_cancel(code: str | None) -> bool:
    return code is not None and read_status(code) is Status.CANCELLED
