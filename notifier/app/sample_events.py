"""Test events: which types there are, and a sample of one for a configured endpoint."""

from collections.abc import Mapping
from typing import NamedTuple

from notifier.config import GatewaySettings
from notifier.config.bad_value import BadValueError, did_you_mean
from notifier.formats.samples import render_sample
from notifier.model.delivery import Rendering
from notifier.model.event import EventType
from notifier.model.event_id import random_event_id

_NOWHERE = ("main", "https://gateway.example/v1")


class SampleEvent(NamedTuple):
    """A rendered event that is sent once and not kept."""

    id: str
    body: bytes


def sample_type(written: str) -> EventType:
    """Return the event type that was written; raises BadValueError, a ValueError."""
    try:
        return EventType(written)
    except ValueError:
        known = "event types are " + ", ".join(EventType)
        hint = did_you_mean(written, list(EventType)) or known
        raise BadValueError("is not an event type", hint, quotable=True) from None


def sample_event(
    rendering: Rendering,
    event_type: EventType,
    wall: float,
    gateways: Mapping[str, GatewaySettings],
) -> SampleEvent:
    """Return a sample of `event_type`, said to be of the first gateway that is configured."""
    gateway = next(((name, settings.base_url) for name, settings in gateways.items()), _NOWHERE)
    event_id = random_event_id(wall)
    return SampleEvent(
        event_id, render_sample(rendering, event_type, event_id, int(wall), gateway)
    )
