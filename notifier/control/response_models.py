"""What answers look like, for the API's description.

Answers are made elsewhere, as rows of JSON; nothing is converted through these models. A test
compares the answers of a real daemon with them, member by member. Clients should ignore members
that they do not know: later versions may have more. Times are Unix seconds.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from notifier.control.instance_models import Instance
from notifier.model.condition import DiscoveryState, GatewayState

Count = Annotated[int, Field(ge=0)]
UnixTime = Annotated[float, Field(description="Unix seconds.")]
# a tuple, but tools get on badly with arrays whose items differ
ReplayPosition = Annotated[list[float | str], Field(min_length=2, max_length=2)]
DeliveryWord = Literal["pending", "held", "delivered", "dead", "cancelled"]


class DeliveryCounts(BaseModel):
    """How many deliveries are in each state; a state without any is left out."""

    pending: Count = 0
    held: Count = 0
    delivered: Count = 0
    dead: Count = 0
    cancelled: Count = 0


class Archive(BaseModel):
    """The copy of a finished video; what is not known yet, or never will be, is null."""

    state: Literal["pending", "archived", "failed", "removed"]
    attempts: Annotated[int, Field(ge=0, description="The attempts that failed.")]
    reason: Annotated[str, Field(description="Why the last of them failed.")]
    next_attempt_at: float | None
    path: str | None
    bytes: int | None
    sha256: str | None
    content_type: str | None


class Watch(BaseModel):
    """A watched video; `status` and `progress` are null until the gateway has answered."""

    gateway: str
    video_id: str
    state: Literal["open", "ended", "withdrawn"]
    status: str | None
    progress: int | None
    event_id: str | None
    event_type: str | None
    deliveries: DeliveryCounts
    listed_in: list[str]
    endpoints: Annotated[list[str] | None, Field(description="Null: all that subscribe.")]
    callback: Annotated[str | None, Field(description="The callback URL's origin.")]
    metadata: dict[str, str]
    give_up_after: Annotated[float | None, Field(description="Seconds; null: the gateway's.")]
    generation: Annotated[int, Field(ge=1)]
    taken_at: UnixTime
    last_asked_at: Annotated[
        float | None, Field(description="When an open watch was last asked about, Unix seconds.")
    ]
    last_outcome: Annotated[str | None, Field(description="What came of that, in words.")]
    archive: Annotated[Archive | None, Field(description="Null where no copy is wanted.")]


class WatchList(BaseModel):
    """Watches, oldest first."""

    object: Literal["list"]
    data: list[Watch]


Detail = Annotated[
    str,
    Field(description="Why it failed: what the receiver answered, or why there was no answer."),
]


class Attempt(BaseModel):
    """One attempt at a delivery; `outcome` is null while it is in flight."""

    number: Annotated[int, Field(ge=1)]
    started_at: UnixTime
    duration_ms: int | None
    outcome: Annotated[str | None, Field(description="Such as delivered, http_500 or timeout.")]
    status: Annotated[int | None, Field(description="The HTTP status of a complete answer.")]
    detail: Detail


class Delivery(BaseModel):
    """The delivery of one event to one endpoint."""

    endpoint: str
    format: str
    state: DeliveryWord
    reason: str
    next_attempt_at: UnixTime | None
    settled_at: UnixTime | None
    attempts: list[Attempt]


class _AnyEvent(BaseModel):
    id: str
    type: str
    created_at: UnixTime
    gateway: str | None
    video_id: str | None
    endpoint: Annotated[str | None, Field(description="The endpoint that the event is about.")]


class EventSummary(_AnyEvent):
    """An event, and how many of its deliveries are in each state."""

    deliveries: DeliveryCounts


class EventList(BaseModel):
    """Events, the latest first."""

    object: Literal["list"]
    data: list[EventSummary]


class Event(_AnyEvent):
    """An event with every delivery and attempt, and the body that endpoints are sent."""

    deliveries: list[Delivery]
    body: dict[str, Any] | None


class Endpoint(BaseModel):
    """An endpoint, and how many deliveries to it are in each state."""

    name: str
    format: str
    to: Annotated[str, Field(description="Its URL, without what may be secret.")]
    events: Annotated[list[str], Field(description="Patterns of the types it subscribes to.")]
    disabled: Annotated[str | None, Field(description="Why it is disabled; null when it is not.")]
    failing: bool
    instance: Annotated[
        str | None, Field(description="The instance that delivers; null if this daemon is alone.")
    ]
    pending: Count
    held: Count
    delivered: Count
    dead: Count
    cancelled: Count


class EndpointList(BaseModel):
    """All configured endpoints."""

    object: Literal["list"]
    data: list[Endpoint]


class Discovery(BaseModel):
    """How the reading of a gateway's list goes; see `GET /v1/status`."""

    state: DiscoveryState
    since: Annotated[float, Field(description="When this state began, in Unix seconds.")]
    last_read_at: UnixTime | None
    last_error: str | None
    found: Annotated[int, Field(ge=0, description="The videos found since the daemon started.")]
    unconfirmed: Annotated[
        int, Field(ge=0, description="Videos of the first start that are still asked about alone.")
    ]


class Downloading(BaseModel):
    """A video that is being copied: so many bytes of `total`, if that is known."""

    video_id: str
    bytes: Count
    total: int | None


class GatewayArchive(BaseModel):
    """How copying the videos of a gateway goes."""

    waiting: Annotated[int, Field(ge=0, description="Videos still to be copied.")]
    downloading: list[Downloading]
    last_error: Annotated[
        str | None, Field(description="Why the last attempt failed; null after a success.")
    ]


class ArchiveTotals(BaseModel):
    """What the archive holds, and may hold."""

    folder: str
    bytes: Count
    max_total_bytes: Count


class Gateway(BaseModel):
    """A gateway: its state, and how much of its request budget is in use."""

    name: str
    open_watches: Count
    paused: bool
    state: GatewayState
    since: Annotated[float, Field(description="When this state began, in Unix seconds.")]
    last_answer_at: UnixTime | None
    last_error: str | None
    last_error_at: UnixTime | None
    max_requests_per_second: float
    requests_per_second: float
    granted_requests_per_second: Annotated[
        float | None,
        Field(description="This instance's share of the budget; null if it is alone."),
    ]
    discovery: Annotated[Discovery | None, Field(description="Null when discover is off.")]
    archive: Annotated[GatewayArchive | None, Field(description="Null when archive is off.")]


class WatchCounts(BaseModel):
    """How many watches are open, and how many of them are polled."""

    open: Count
    polled: Count


class Status(BaseModel):
    """The status of the daemon and of everything that it does."""

    version: str
    pid: int
    config: str
    store: str
    uptime_seconds: int
    watches: WatchCounts
    gateways: list[Gateway]
    endpoints: list[Endpoint]
    instances: Annotated[list[Instance], Field(description="None if this daemon is alone.")]
    archive: Annotated[
        ArchiveTotals | None, Field(description="Null when no gateway has archive on.")
    ]


class Difference(BaseModel):
    """The names of what a reload has changed."""

    added: list[str]
    changed: list[str]
    removed: list[str]


class Cancelled(BaseModel):
    """Pending deliveries that were cancelled because their endpoint left the config."""

    endpoint: str
    deliveries: Count
    command: Annotated[
        str, Field(description="What sends them once the endpoint is in the config again.")
    ]


class Reloaded(BaseModel):
    """What a reload has applied; keys under `needs_restart` take effect with the next start."""

    gateways: Difference
    endpoints: Difference
    files: Annotated[
        list[str],
        Field(description="Files that the config names and that have other content now."),
    ]
    needs_restart: list[str]
    cancelled: list[Cancelled]


class Resent(BaseModel):
    """The endpoints that an event is sent to again."""

    endpoints: list[str]


class Replayed(BaseModel):
    """How many events are sent again, by endpoint."""

    deliveries: dict[str, Count]
    next: Annotated[
        ReplayPosition | None,
        Field(description="With one_batch: the `after` of the next request; null at the end."),
    ]


class Enabled(BaseModel):
    """Whether the endpoint was disabled until now."""

    enabled: bool


class Tested(BaseModel):
    """What came back for a test event."""

    event_id: str
    type: str
    delivered: bool
    outcome: str
    status: int | None
    detail: Detail


class Health(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class Readiness(BaseModel):
    """Whether the store can be written and all loops make progress."""

    status: Literal["ready", "not ready"]
    store: bool
    loops: bool
    detail: str = ""


class ProblemPart(BaseModel):
    """One of several things that are wrong with a request or a config."""

    key: str
    message: str
    where: str = ""
    hint: str = ""


class Problem(BaseModel):
    """Why a request was refused (RFC 9457); `detail` is one sentence."""

    type: str
    title: str
    status: int
    detail: str
    problems: list[ProblemPart] = []


class WatchResult(BaseModel):
    """What became of one item of an array: its watch or its problem, if it has one."""

    status: Annotated[int, Field(description="As for a request of its own.")]
    watch: Watch | None = None
    problem: Problem | None = None


class WatchResults(BaseModel):
    """A result for each item of an array, in their order."""

    results: list[WatchResult]
