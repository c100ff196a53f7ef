"""Events for the tests of every format: one that is usual, and strategies for the others."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from notifier.formats.standard import PROTOCOL_FIELDS
from notifier.model.event import Event, EventType
from notifier.model.status import Status
from notifier.model.video import Snapshot, VideoError

VIDEO_TYPES = [each for each in EventType if not each.startswith("endpoint.")]
"""The types of events about videos, and the test event."""

COMPLETED = Event(
    id="evt_68f10d27",
    type=EventType.COMPLETED,
    created_at=1760627863,
    data=Snapshot(
        id="video_1",
        status=Status.COMPLETED,
        model="sora-2",
        progress=100,
        created_at=1760627077,
        completed_at=1760627863,
        expires_at=1760714196,
        seconds="8",
        size="1280x720",
    ).as_data(),
    gateway="main",
    metadata={},
    content_url="https://gw.example/v1/videos/video_1/content",
)


def event(event_type: EventType = EventType.COMPLETED, **data: object) -> Event:
    """Return the usual event as another type, with some of its data replaced."""
    return replace(COMPLETED, type=event_type, data={**COMPLETED.data, **data})


def failed(message: str | None = None, code: str | None = None) -> Event:
    error = VideoError(message, code).as_data()
    return event(EventType.FAILED, status="failed", progress=40, error=error)


hostile_text = (
    st.text()
    | st.text(st.characters(categories=["Cs", "Cc", "Cf"]))
    | st.sampled_from(
        [
            "&" * 5000,
            "<!channel> @here <@U1>",
            "`" * 50,
            "```",
            "\ud83d",
            "\n" * 4000,
            "x" * 100_000,
            "\x00",
            "https://[",
            "http://a|b>c",
            "https://" + "&" * 3000,
            "javascript:alert(1)",
        ]
    )
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63), 10**400, 253_402_300_799, 253_402_300_800, 0])
    | st.floats()
    | hostile_text
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=6,
)
usual_data = st.fixed_dictionaries(
    {
        "id": hostile_text,
        "status": hostile_text,
        "progress": st.integers(),
        "created_at": st.integers(0, 2**40),
        "completed_at": st.integers(0, 2**40),
        "expires_at": st.integers(0, 2**40),
        "error": st.fixed_dictionaries({"message": hostile_text, "code": hostile_text}),
    }
)
hostile_data: st.SearchStrategy[dict[str, Any]] = (
    st.dictionaries(st.sampled_from(PROTOCOL_FIELDS) | hostile_text, json_values) | usual_data
)
any_event = st.builds(
    Event,
    id=hostile_text,
    type=st.sampled_from(VIDEO_TYPES),
    created_at=st.integers(),
    data=hostile_data,
    gateway=hostile_text,
    metadata=st.dictionaries(hostile_text, hostile_text, max_size=25),
    content_url=st.none() | hostile_text,
)
