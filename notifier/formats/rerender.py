"""Renders a recorded event in another format than it was first sent in."""

import json
from typing import Any

from notifier.formats import notices, slack
from notifier.model.delivery import Format
from notifier.model.event import Event, EventType, Notice


def rerender(standard: bytes, form: Format) -> bytes:
    """Return the event with this `standard` body, rendered in `form`."""
    if form is Format.STANDARD:
        return standard
    body: dict[str, Any] = json.loads(standard)
    heading = body["id"], EventType(body["type"]), body["created_at"]
    data, watch = body["data"], body["watch"]
    if watch is None:
        notice = Notice(*heading, data["id"], data["reason"], data["failing_since"])
        return notices.render_slack(notice)
    event = Event(
        *heading,
        data,
        watch["gateway"],
        watch["metadata"],
        watch["content_url"],
        archive=watch.get("archive"),
    )
    return slack.render(event)
