"""Events: the end of a watch, or a notice about an endpoint, before and after rendering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from notifier.model.job_sample import JobSample
from notifier.model.status import Status
from notifier.model.video import Json, Snapshot
from notifier.model.watch import Watch


class EventType(StrEnum):
    """Every type an event can have; public, see docs/events.md."""

    COMPLETED = "video.completed"
    FAILED = "video.failed"
    CANCELLED = "video.cancelled"
    LOST = "video.lost"
    TIMED_OUT = "video.timed_out"
    EXPIRING = "video.expiring"
    ARCHIVED = "video.archived"
    ARCHIVE_FAILED = "video.archive_failed"
    TEST = "notifier.test"
    ENDPOINT_DISABLED = "endpoint.disabled"
    ENDPOINT_RECOVERED = "endpoint.recovered"


class EventKind(StrEnum):
    """Which event of a watch it is: a watch has at most one of each kind.

    All outcomes of a watch (completed, lost, …) are one kind: a repeated ending with another
    outcome is still a duplicate.
    """

    ENDING = "ending"
    EXPIRING = "expiring"
    ARCHIVED = "archived"
    ARCHIVE_FAILED = "archive_failed"


class NotRecorded(StrEnum):
    """Why an ending was not recorded; false where a recorded one is true.

    OVER: the watch was not open any more. FENCED: another instance polls it now.
    """

    OVER = "over"
    FENCED = "fenced"

    def __bool__(self) -> bool:
        return False


FOLLOW_UPS: Mapping[EventKind, EventType] = {
    EventKind.EXPIRING: EventType.EXPIRING,
    EventKind.ARCHIVED: EventType.ARCHIVED,
    EventKind.ARCHIVE_FAILED: EventType.ARCHIVE_FAILED,
}
"""The type of each kind of event that may follow a completed ending."""

WITH_CONTENT = frozenset({EventType.COMPLETED, *FOLLOW_UPS.values()})
"""The types of events about a video that can be fetched, or could be."""

TYPE_OF_STATUS: Mapping[Status, EventType] = {
    Status.COMPLETED: EventType.COMPLETED,
    Status.FAILED: EventType.FAILED,
    Status.CANCELLED: EventType.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a watch ended: the event's type and the last thing known about the video.

    `reason` says in a few words why, for logs (`gateway said completed`, `not found 3 times
    in 120 s`). `sample` is the job's sample for the schedule, if it was watched well enough.
    """

    watch: Watch
    type: EventType
    snapshot: Snapshot
    reason: str
    sample: JobSample | None = None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """An event of `kind` after the completed ending of `watch`, with the last known snapshot.

    `archive` is what the event says about the copy of the video, None if nothing.
    """

    watch: Watch
    kind: EventKind
    snapshot: Snapshot
    archive: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event before it is rendered.

    `created_at` is when notifier recorded it (Unix seconds, wall clock). `data` is the video
    object with the gateway's extra fields. `test` marks a sample that reports nothing. `archive`
    describes the copy of the video, or says why there is none.
    """

    id: str
    type: EventType
    created_at: int
    data: Mapping[str, Json]
    gateway: str
    metadata: Mapping[str, str]
    content_url: str | None = None
    test: bool = False
    archive: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """An event about one endpoint, sent to all the others.

    `reason` says why it was disabled. `failing_since` is when the run of failures began that it
    was disabled for (Unix seconds). Both are None when unknown or not applicable.
    """

    id: str
    type: EventType
    created_at: int
    endpoint: str
    reason: str | None = None
    failing_since: int | None = None
    test: bool = False


@lru_cache(maxsize=1024)
def subscribes(patterns: tuple[str, ...], event_type: str) -> bool:
    """Return whether an endpoint with these `events` patterns subscribes to `event_type`."""
    return any(fnmatchcase(event_type, pattern) for pattern in patterns)


class NewEvent(NamedTuple):
    """A rendered event with its deliveries: what the outbox commits in one transaction.

    `endpoints` pairs each matching endpoint with the name of its rendering
    (`notifier.model.delivery.Rendering`). `bodies` has the bytes of each rendering in use, and
    always those of `standard`.
    """

    id: str
    type: EventType
    created_at: int
    bodies: Mapping[str, bytes]
    endpoints: Sequence[tuple[str, str]]
