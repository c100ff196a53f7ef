"""Models of request bodies and queries; pydantic validates requests with them."""

import math
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from notifier.config.bad_value import BadValueError
from notifier.config.field_types import Duration
from notifier.config.validators import check_event_pattern
from notifier.control.operations import WatchRequest
from notifier.model.event import EventType
from notifier.model.watch import WatchKey

_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_MAX_NAMES = 100
_NO_MOMENT = "must be Unix seconds or a date and time as in RFC 3339"


def _moment(value: object) -> object:
    """Read Unix seconds, or a date and time with its offset."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise BadValueError(_NO_MOMENT, quotable=True) from None
        if moment.tzinfo is None:
            raise BadValueError("must say its offset from UTC, such as Z", quotable=True)
        value = moment.timestamp()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= _LATEST:  # type: ignore[arg-type,operator]
        raise BadValueError(_NO_MOMENT, quotable=True)
    return value


Moment = Annotated[float, BeforeValidator(_moment, json_schema_input_type=float | str)]
Names = Annotated[list[str], Field(min_length=1, max_length=_MAX_NAMES)]


class Query(BaseModel):
    """The query of a URL; all values are text, and unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Body(Query):
    """A JSON object; types are not converted, and unknown members are refused."""

    model_config = ConfigDict(strict=True)


class NewWatch(Body):
    """A video to watch; the members are those of `[[watches]]` in the config."""

    video_id: Annotated[str, Field(min_length=1, max_length=512)]
    gateway: str | None = None
    endpoints: Names | None = None
    metadata: Annotated[dict[str, str], Field(max_length=50)] = {}
    give_up_after: Duration | None = None
    callback_url: (
        Annotated[
            str,
            Field(max_length=8192, description="A public URL that gets the event of this watch."),
        ]
        | None
    ) = None
    callback_endpoint: (
        Annotated[str, Field(description="The endpoint whose secret signs for callback_url.")]
        | None
    ) = None
    again: Annotated[bool, Field(description="Watch it again if it has already ended.")] = False

    def request(self) -> WatchRequest:
        """Return what the daemon is asked to do."""
        others = {"again", "callback_url", "callback_endpoint"}
        entry = self.model_dump(exclude=others, exclude_none=True)
        return WatchRequest(entry, self.again, self.callback_url, self.callback_endpoint)


class WatchReference(Body):
    """The identity of a watch."""

    gateway: str
    video_id: str

    def key(self) -> WatchKey:
        """Return the identity."""
        return WatchKey(self.gateway, self.video_id)


class Resend(Body):
    """Which endpoints get an event again: its own ones, if none is named."""

    endpoints: Names | None = None


class ReplayRequest(Body):
    """Which events are sent again, and to which endpoint.

    `undelivered` leaves out what an endpoint has already received, `all` does not. With
    `one_batch` the answer comes after a bounded number of events, and its `next` is the `after` of
    the next request, null at the end.
    """

    since: Moment
    until: Moment | None = None
    endpoint: str | None = None
    only: Literal["undelivered", "all"] = "undelivered"
    one_batch: bool = False
    after: tuple[Moment, Annotated[str, Field(max_length=100)]] | None = None


class SampleRequest(Body):
    """Which sample an endpoint is sent."""

    type: Annotated[
        str,
        Field(max_length=100, json_schema_extra={"enum": [*EventType]}),
    ] = EventType.TEST.value


class EventQuery(Query):
    """The filters of `GET /v1/events`."""

    type: Annotated[str, Field(max_length=100), AfterValidator(check_event_pattern)] | None = None
    gateway: str | None = None
    video_id: str | None = None
    endpoint: str | None = None
    state: Literal["pending", "held", "delivered", "dead", "cancelled"] | None = None
    since: Moment | None = None
    until: Moment | None = None
    before: Annotated[str, Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class WatchQuery(Query):
    """The filters of `GET /v1/watches`."""

    state: Literal["open", "ended", "withdrawn"] | None = None
    gateway: str | None = None
    video_id: str | None = None
    after: Annotated[int, Field(ge=0, le=10**9)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
