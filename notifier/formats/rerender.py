"""Renders a recorded event in another format than it was first sent in."""

import json
from typing import Any

from notifier.formats import render
from notifier.model.delivery import Rendering
from notifier.model.event import Event, EventType, Notice


def rerender(standard: bytes, name: str) -> bytes:
    """Return the event with this `standard` body, in the rendering that is named `name`."""
    return render(Rendering.named(name), _recorded(json.loads(standard)))


def _recorded(body: dict[str, Any]) -> Event | Notice:
    heading = body["id"], EventType(body["type"]), body["created_at"]
    data, watch = body["data"], body["watch"]
    if watch is None:
        return Notice(*heading, data["id"], data["reason"], data["failing_since"])
    return Event(
        *heading,
        data,
        watch["gateway"],
        watch["metadata"],
        watch["content_url"],
        archive=watch.get("archive"),
    )
