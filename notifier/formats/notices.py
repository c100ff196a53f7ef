"""Renders events about endpoints as the `standard` format has them."""

from notifier.formats.standard import encode, heading
from notifier.model.event import EventType, Notice

_STATUS = {EventType.ENDPOINT_DISABLED: "disabled", EventType.ENDPOINT_RECOVERED: "enabled"}


def render(notice: Notice) -> bytes:
    """Return the envelope of a video's event, with an endpoint in `data` and no `watch`."""
    data = {
        "id": notice.endpoint,
        "object": "endpoint",
        "status": _STATUS[notice.type],
        "reason": notice.reason,
        "failing_since": notice.failing_since,
    }
    return encode({**heading(notice), "data": data, "watch": None})
