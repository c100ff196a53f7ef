"""The views for operators: watches, events, deliveries and attempts, as rows of JSON.

The keys of `as_row` are a contract with scripts: those of `--json` and of the control API.
Times are Unix seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from notifier.model.condition import LastPoll
from notifier.model.follow_up import ArchiveView
from notifier.model.video import Json
from notifier.model.watch import Callback, Watch

Row = dict[str, Json]


@dataclass(frozen=True, slots=True)
class WatchView:
    """A watch, its sources, and its event (if any) with the number of deliveries by state.

    `last_poll` is known to the daemon alone, and of open watches. `archive` is None where no copy
    of the video is wanted.
    """

    watch: Watch
    event_id: str | None
    event_type: str | None
    deliveries: Mapping[str, int]
    sources: Sequence[str] = ()
    callback: Callback | None = None
    last_poll: LastPoll | None = None
    archive: ArchiveView | None = None

    def as_row(self) -> Row:
        """Return the watch as the control API shows it."""
        watch, snapshot = self.watch, self.watch.snapshot
        endpoints = watch.spec.endpoints
        return {
            "gateway": watch.key.gateway,
            "video_id": watch.key.video_id,
            "state": watch.state.value,
            "status": None if snapshot is None else (snapshot.status or snapshot.word),
            "progress": None if snapshot is None else snapshot.progress,
            "event_id": self.event_id,
            "event_type": self.event_type,
            "deliveries": dict(self.deliveries),
            "listed_in": list(self.sources),
            "endpoints": None if endpoints is None else list(endpoints),
            "callback": None if self.callback is None else _origin(self.callback.url),
            "metadata": dict(watch.spec.metadata),
            "give_up_after": watch.spec.give_up_after,
            "generation": watch.spec.generation,
            "taken_at": round(watch.taken_at, 3),
            "last_asked_at": None if self.last_poll is None else round(self.last_poll.at, 3),
            "last_outcome": None if self.last_poll is None else self.last_poll.outcome,
            "archive": None if self.archive is None else self.archive.as_row(),
        }


def _origin(url: str) -> str:
    """Return the origin of `url`, without the parts that may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt; `outcome` is None while it is in flight."""

    number: int
    started_at: float
    duration_ms: int | None
    outcome: str | None
    status: int | None
    detail: str

    def as_row(self) -> Row:
        """Return the attempt as scripts see it."""
        return {
            "number": self.number,
            "started_at": round(self.started_at, 3),
            "duration_ms": self.duration_ms,
            "outcome": self.outcome,
            "status": self.status,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """The delivery of one event to one endpoint; `held` while the endpoint is disabled."""

    endpoint: str
    format: str
    state: str
    held: bool
    reason: str
    due_at: float
    settled_at: float | None
    attempts: Sequence[AttemptView]

    def as_row(self) -> Row:
        """Return the delivery as scripts see it."""
        pending = self.state == "pending"
        return {
            "endpoint": self.endpoint,
            "format": self.format,
            "state": "held" if self.held else self.state,
            "reason": self.reason,
            "next_attempt_at": round(self.due_at, 3) if pending and not self.held else None,
            "settled_at": None if self.settled_at is None else round(self.settled_at, 3),
            "attempts": [attempt.as_row() for attempt in self.attempts],
        }


@dataclass(frozen=True, slots=True)
class EventSummary:
    """An event and the number of its deliveries by state; `about` names an endpoint."""

    id: str
    type: str
    created_at: int
    gateway: str | None
    video_id: str | None
    about: str | None
    deliveries: Mapping[str, int]

    def as_row(self) -> Row:
        """Return the event as scripts see it."""
        return {
            "id": self.id,
            "type": self.type,
            "created_at": self.created_at,
            "gateway": self.gateway,
            "video_id": self.video_id,
            "endpoint": self.about,
            "deliveries": dict(self.deliveries),
        }


@dataclass(frozen=True, slots=True)
class EventView:
    """Everything about one event; `body` is what `standard` endpoints are sent."""

    summary: EventSummary
    body: Json
    deliveries: Sequence[DeliveryView]

    def as_row(self) -> Row:
        """Return the event as scripts see it."""
        return {
            **self.summary.as_row(),
            "deliveries": [delivery.as_row() for delivery in self.deliveries],
            "body": self.body,
        }


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """How an event's delivery to `endpoint` stands after an attempt, or after it was cancelled.

    `about` is the endpoint that the event itself is about. `next_attempt_at` is None unless the
    attempt is the last one so far and another follows.
    """

    event_id: str
    event_type: str
    gateway: str | None
    video_id: str | None
    about: str | None
    endpoint: str
    state: str
    reason: str
    next_attempt_at: float | None
    attempt: AttemptView | None

    def as_row(self) -> Row:
        """Return the outcome as scripts see it."""
        due = self.next_attempt_at
        return {
            "event_id": self.event_id,
            "event_type": self.event_type,
            "gateway": self.gateway,
            "video_id": self.video_id,
            "about": self.about,
            "endpoint": self.endpoint,
            "state": self.state,
            "reason": self.reason,
            "next_attempt_at": None if due is None else round(due, 3),
            "attempt": None if self.attempt is None else self.attempt.as_row(),
        }


@dataclass(frozen=True, slots=True)
class EndpointView:
    """The deliveries of one endpoint by state; `disabled` has the reason when it is disabled."""

    deliveries: Mapping[str, int]
    disabled: str | None = None
    failing_since: float | None = None
