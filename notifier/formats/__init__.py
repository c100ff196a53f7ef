"""Renders events as messages; each format is one pure function and one row of a table.

A renderer takes an event or a message and returns the bytes that are POSTed. It needs no clock and
never fails, because an event that cannot be rendered could never be delivered.
"""

from notifier.formats.composing import compose
from notifier.formats.languages import TEXTS
from notifier.formats.message import fitted
from notifier.formats.table import SERVICES
from notifier.model.delivery import Rendering
from notifier.model.event import Event, Notice


def render(rendering: Rendering, event: Event | Notice) -> bytes:
    """Return the body of an event, short enough for the service."""
    service = SERVICES[rendering.format]
    if service.message is None:
        assert service.event is not None  # noqa: S101 - a row has one of the two
        return service.event(event)
    message = compose(event, TEXTS[rendering.language])
    return fitted(message, service.message, service.max_bytes)
