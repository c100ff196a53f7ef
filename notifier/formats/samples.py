"""A realistic event of each type, to test a receiver with before the first real one comes.

A sample is rendered like any event. Two things tell it apart: the event has `"test": true`, and
`data.id` is `video_notifier_test`. The video in it is made up; its times are shortly before the
event's own.
"""

from collections.abc import Mapping
from types import MappingProxyType

from notifier.formats import render
from notifier.model.delivery import Rendering
from notifier.model.event import WITH_CONTENT, Event, EventType, Notice
from notifier.model.video import Json

VIDEO_ID = "video_notifier_test"
"""The `data.id` of every sample."""

_HOUR = 3600
_TOOK = 786
"""How long the job of a sample took, in seconds."""

_STATES: Mapping[EventType, Mapping[str, Json]] = MappingProxyType(
    {
        EventType.COMPLETED: {"status": "completed", "progress": 100},
        EventType.FAILED: {
            "status": "failed",
            "progress": 42,
            "error": {
                "message": "The prompt was rejected by content moderation.",
                "code": "moderation_blocked",
            },
        },
        EventType.CANCELLED: {"status": "cancelled", "progress": 17},
        EventType.LOST: {"status": "in_progress", "progress": 63},
        EventType.TIMED_OUT: {"status": "queued", "progress": 0},
        EventType.EXPIRING: {"status": "completed", "progress": 100},
        EventType.ARCHIVED: {"status": "completed", "progress": 100},
        EventType.ARCHIVE_FAILED: {"status": "completed", "progress": 100},
    }
)
"""What `data` says of the video, by type, beside what all samples have in common."""

_ARCHIVES: Mapping[EventType, Mapping[str, Json]] = MappingProxyType(
    {
        EventType.ARCHIVED: {
            "path": f"/var/lib/notifier/archive/main/{VIDEO_ID}.mp4",
            "bytes": 4_194_304,
            "sha256": "bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8",
            "content_type": "video/mp4",
        },
        EventType.ARCHIVE_FAILED: {"reason": "the video expired: the gateway answered 404"},
    }
)
"""What `watch.archive` says, by type."""


def render_sample(
    rendering: Rendering, event_type: EventType, event_id: str, now: int, gateway: tuple[str, str]
) -> bytes:
    """Return the body of a sample.

    `gateway` is the name and the base URL that the sample's video is said to be from; `now` is
    in Unix seconds.
    """
    if event_type in {EventType.ENDPOINT_DISABLED, EventType.ENDPOINT_RECOVERED}:
        return render(rendering, _notice(event_type, event_id, now))
    return render(rendering, _event(event_type, event_id, now, gateway))


def _event(event_type: EventType, event_id: str, now: int, gateway: tuple[str, str]) -> Event:
    name, base_url = gateway
    if event_type is EventType.TEST:
        data: dict[str, Json] = {"id": VIDEO_ID, "object": "video"}
        return Event(event_id, event_type, now, data, "", {}, test=True)
    content_url = f"{base_url.rstrip('/')}/videos/{VIDEO_ID}/content"
    return Event(
        event_id,
        event_type,
        now,
        _video(event_type, now),
        name,
        {"user": "42"},
        content_url if event_type in WITH_CONTENT else None,
        test=True,
        archive=_ARCHIVES.get(event_type),
    )


def _video(event_type: EventType, now: int) -> dict[str, Json]:
    completed = event_type in WITH_CONTENT
    # a watch that is given up has been waited for far longer than a job takes
    age = 24 * _HOUR if event_type is EventType.TIMED_OUT else _TOOK
    return {
        "id": VIDEO_ID,
        "object": "video",
        "model": "sora-2",
        "created_at": now - age,
        "completed_at": now if completed else None,
        "expires_at": now + 24 * _HOUR if completed else None,
        "seconds": "8",
        "size": "1280x720",
        **_STATES[event_type],
    }


def _notice(event_type: EventType, event_id: str, now: int) -> Notice:
    disabled = event_type is EventType.ENDPOINT_DISABLED
    reason = "no success for 5 days; the last attempt ended with http_503" if disabled else None
    since = now - 5 * 24 * _HOUR if disabled else None
    return Notice(event_id, event_type, now, VIDEO_ID, reason, since, test=True)
