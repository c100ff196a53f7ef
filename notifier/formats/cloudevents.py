"""The `cloudevents` format: CloudEvents 1.0 in structured JSON mode.

`data` is the whole event as the `standard` format has it, so that receivers of both read the same.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from urllib.parse import quote

from notifier.formats import notices, standard, times
from notifier.model.event import Event, Notice
from notifier.model.video import Json

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def render(event: Event | Notice) -> bytes:
    """Return the event as a CloudEvent."""
    if isinstance(event, Notice):
        return _wrapped(event, "", event.endpoint, notices.render(event))
    return _wrapped(event, event.gateway, event.data.get("id"), standard.render(event))


def _wrapped(event: Event | Notice, gateway: str, subject: Json, data: bytes) -> bytes:
    attributes: dict[str, Json] = {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/notifier/{quote(gateway, safe='', errors='replace')}".rstrip("/"),
        "type": event.type.value,
        "time": times.iso(event.created_at),
        "datacontenttype": "application/json",
    }
    if isinstance(subject, str) and subject:
        attributes["subject"] = subject
    return b'%s,"data":%s}' % (standard.encode(attributes)[:-1], data)
