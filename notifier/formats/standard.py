"""The `standard` format: the envelope that `client.webhooks.unwrap()` of the SDKs reads.

`data` always has every field of the protocol. Fields that the gateway added follow unchanged, as
long as the body stays under 20 kB. The smallest are kept first, so that one huge field does not
displace the others. Each value is encoded once, and the body is joined from the encoded pieces.
So the bytes that were measured are the bytes that are sent.
"""

import json
from collections.abc import Iterable

from notifier.formats import times
from notifier.model.event import WITH_CONTENT, Event, Notice
from notifier.model.video import Json

MAX_BODY = 20_000
"""A body with extra fields has fewer bytes than this; protocol and metadata are never cut."""

PROTOCOL_FIELDS = (
    "id",
    "object",
    "model",
    "status",
    "progress",
    "created_at",
    "completed_at",
    "expires_at",
    "seconds",
    "size",
    "remixed_from_video_id",
    "error",
)

_PROTOCOL = frozenset(PROTOCOL_FIELDS)
_NOT_JSON = (ValueError, TypeError, RecursionError)
"""What encoding raises for NaN, 5,000 digits, a foreign type, or too deep a value."""

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def render(event: Event) -> bytes:
    """Return the body of `event`; extra fields that do not fit or are not JSON are left out."""
    if event.data.keys() <= _PROTOCOL:
        data = {name: event.data.get(name) for name in PROTOCOL_FIELDS}
        whole = heading(event)
        try:
            return encode({**whole, "data": data, "watch": _watch(event)})
        except _NOT_JSON:
            pass  # one value is not JSON: encode them one by one
    protocol = [
        _member(name, event.data.get(name)) or _member(name, None) for name in PROTOCOL_FIELDS
    ]
    extras = [
        _member(name, value) for name, value in event.data.items() if name not in PROTOCOL_FIELDS
    ]
    room = MAX_BODY - 1 - len(_envelope(event, protocol))
    return _envelope(event, [*protocol, *_fitting(extras, room)])


def heading(event: Event | Notice) -> dict[str, Json]:
    """Return the members that every event's body begins with; `test` is there only in a test."""
    marked: dict[str, Json] = {"test": True} if event.test else {}
    return {
        "id": event.id,
        "object": "event",
        "type": event.type.value,
        "created_at": event.created_at,
        "timestamp": times.iso(event.created_at),
        **marked,
    }


def _envelope(event: Event, data: list[bytes]) -> bytes:
    head = encode(heading(event))
    watch = encode(_watch(event))
    return b'%s,"data":{%s},"watch":%s}' % (head[:-1], b",".join(data), watch)


def _watch(event: Event) -> dict[str, Json]:
    watch: dict[str, Json] = {
        "gateway": event.gateway,
        "metadata": dict(event.metadata),
        "content_url": event.content_url if event.type in WITH_CONTENT else None,
    }
    if event.archive is not None:
        watch["archive"] = dict(event.archive)
    return watch


def _fitting(members: Iterable[bytes], room: int) -> list[bytes]:
    """Return the smallest members that fit into `room` bytes, a comma each, in their order."""
    candidates = [(index, member) for index, member in enumerate(members) if member]
    chosen = []
    for index, member in sorted(candidates, key=lambda candidate: len(candidate[1])):
        room -= len(member) + 1
        if room < 0:
            break
        chosen.append((index, member))
    return [member for _, member in sorted(chosen)]


def _member(name: str, value: Json) -> bytes:
    """Return `"name":value`, or nothing when the value cannot be written as JSON."""
    try:
        return encode({name: value})[1:-1]
    except _NOT_JSON:
        return b""


def encode(value: Json) -> bytes:
    """Return `value` as compact JSON; raises what json.dumps raises."""
    # lone surrogates are legal in JSON's escapes and impossible in UTF-8: they become "?"
    return _encoder.encode(value).encode("utf-8", "replace")
