"""The pydantic models of the config: one model per TOML table, one field per key.

Types are strict and unknown keys are refused. A field's own check runs whether or not other
fields are good. Checks that concern several keys run on the raw data, in
`notifier.config.consistency`: pydantic skips such checks as soon as one field is bad.
"""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
)

from notifier.config import raw_values
from notifier.config.field_types import (
    Duration,
    FieldPattern,
    Headers,
    Name,
    PathText,
    PemSource,
    ProxyUrl,
    Rate,
    SigningSecrets,
    StatusWords,
    duration_within,
    secret_checked,
)
from notifier.config.secrets import Secret
from notifier.config.urls import (
    check_base_url,
    check_endpoint_url,
    check_store_url,
    check_url_prefix,
)
from notifier.config.validators import (
    check_api_key,
    check_content_type,
    check_event_pattern,
    check_listen,
    check_metadata,
    check_network,
    check_token,
    check_video_id,
)
from notifier.model.lease import DEFAULT_LEASE, LONGEST_LEASE

_TEN_MINUTES = 600.0


class Table(BaseModel):
    """A TOML table.

    The docstring of a field is what editors show: `notifier schema` takes it from here.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class GatewayTable(Table):
    """A gateway whose video jobs are polled."""

    base_url: Annotated[str, PlainValidator(check_base_url), raw_values.BASE_URL]
    """The URL up to and including /v1; a query is sent with every request."""
    api_key: Annotated[Secret, secret_checked(check_api_key, raw_values.API_KEY)] | None = None
    """Secret, sent as `Authorization: Bearer`; left out for a local server."""
    headers: Headers = {}
    """More headers for every request; values may be secrets."""
    poll_interval: Annotated[float, duration_within(minimum=0.1)] = 20.0
    """The average interval between two requests about one video."""
    min_poll_interval: Duration | None = None
    """The shortest interval between them: 5s, or poll_interval if that is less."""
    max_requests_per_second: Rate = 10.0
    """The budget that all videos of this gateway share."""
    request_timeout: Duration = 30.0
    """The whole request, from connecting to the last byte."""
    give_up_after: Duration = 24 * 3600.0
    """A video that has not ended by then ends as video.timed_out."""
    not_found_grace: Duration = 120.0
    """How long "no such video" is tolerated before video.lost."""
    status_words: StatusWords = {}
    """What this gateway's own status words mean."""
    rewrites_ids: bool = False
    """Believe answers that name another id; LiteLLM's encoded ids need no setting."""
    hide_fields: Annotated[list[FieldPattern], Field(max_length=100)] = ["file_path", "*_path"]
    """Fields of a video, by name or pattern, that receivers do not get."""
    list_videos: Literal["auto", "always", "never"] = "auto"
    """Poll many videos with one list request: where that saves requests, always, or never."""
    discover: bool = False
    """Watch every job on the gateway's list, whoever made it."""
    discover_since: Duration | None = None
    """Take jobs that are over when discovery begins, if they are younger than this."""
    expiry_notice: Duration | None = None
    """Send video.expiring so long before the gateway removes a finished video."""
    archive: bool = False
    """Keep a copy of every finished video; see [archive]."""
    proxy: ProxyUrl | None = None
    """An http or https proxy between here and the gateway; may be a secret."""
    ca_file: PathText | None = None
    """Certificates (PEM) that are trusted beside the system's."""
    client_cert: PemSource | None = None
    """A certificate (PEM) for a server that demands one; the file may hold the key as well."""
    client_key: PemSource | None = None
    """The private key (PEM, not encrypted) of client_cert, if that file does not hold it."""
    max_connection_age: Annotated[float, duration_within(minimum=1.0)] = 300.0
    """A connection is replaced after that, so that a changed address is followed."""


class EndpointTable(Table):
    """A receiver of events."""

    model_config = ConfigDict(json_schema_extra=raw_values.SECRET_BY_FORMAT)

    url: Annotated[Secret, secret_checked(check_endpoint_url, raw_values.ENDPOINT_URL)]
    """Where events are POSTed; may be a secret."""
    format: Literal[
        "standard",
        "slack",
        "discord",
        "teams",
        "feishu",
        "dingtalk",
        "wecom",
        "cloudevents",
        "template",
    ] = "standard"
    """`standard` is signed JSON; the others are for chat services, CloudEvents, or your own."""
    secret: SigningSecrets = []
    """What events are signed with, or a list of up to four; required for `standard`."""
    signature: Annotated[
        list[Literal["standard", "github"]], Field(min_length=1, max_length=2)
    ] = ["standard"]
    """Which signatures are sent; `github` is X-Hub-Signature-256 over the body."""
    language: Literal["en", "zh"] = "en"
    """The language of messages that people read."""
    template: PathText | None = None
    """A Jinja2 file that makes the body of format `template`."""
    content_type: Annotated[str, PlainValidator(check_content_type), raw_values.CONTENT_TYPE] = (
        "application/json"
    )
    """What a template makes; application/json by default, and then it must be JSON."""
    events: Annotated[
        list[Annotated[str, PlainValidator(check_event_pattern), raw_values.EVENT_PATTERN]],
        Field(min_length=1, max_length=50),
    ] = ["video.*"]
    """Which events it gets: types or patterns."""
    timeout: Annotated[float, duration_within(maximum=_TEN_MINUTES)] = 15.0
    """A whole attempt."""
    max_concurrency: Annotated[int, Field(ge=1, le=100)] = 4
    """POSTs in flight at the same time."""
    retry_schedule: Annotated[list[Duration], Field(min_length=1, max_length=50)] = [
        *(5.0, 5 * 60.0, 30 * 60.0),
        *(hours * 3600.0 for hours in (2, 5, 10, 14, 20, 24)),
    ]
    """Waits between attempts; after the last one the event is kept as dead."""
    headers: Headers = {}
    """More headers for every POST; values may be secrets."""
    proxy: ProxyUrl | None = None
    """An http or https proxy between here and the receiver; may be a secret."""
    ca_file: PathText | None = None
    """Certificates (PEM) that are trusted beside the system's."""
    client_cert: PemSource | None = None
    """A certificate (PEM) for a server that demands one; the file may hold the key as well."""
    client_key: PemSource | None = None
    """The private key (PEM, not encrypted) of client_cert, if that file does not hold it."""
    max_connection_age: Annotated[float, duration_within(minimum=1.0)] = 300.0
    """A connection is replaced after that, so that a changed address is followed."""


class WatchTable(Table):
    """A video that is watched from here."""

    video_id: Annotated[str, PlainValidator(check_video_id), raw_values.VIDEO_ID]
    """The id that the gateway gave the job."""
    gateway: str | None = None
    """The gateway that runs the job; not needed with a single gateway."""
    endpoints: Annotated[list[str], Field(min_length=1)] | None = None
    """Which endpoints get the event; all, if left out."""
    metadata: Annotated[dict[str, str], Field(max_length=50), AfterValidator(check_metadata)] = {}
    """Comes back in the event."""
    give_up_after: Duration | None = None
    """Overrides the gateway's."""
    generation: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """A higher number watches a video once more that has ended."""


class OutboundTable(Table):
    """Where connections may go."""

    public_only: bool = False
    """Endpoints must have public addresses."""
    allow: Annotated[
        list[
            Annotated[IPv4Network | IPv6Network, PlainValidator(check_network), raw_values.NETWORK]
        ],
        Field(max_length=100),
    ] = []
    """Address ranges that endpoints may have in spite of public_only."""


class StoreTable(Table):
    """The database."""

    url: Annotated[Secret, secret_checked(check_store_url, raw_values.STORE_URL)] | None = None
    """Secret: a PostgreSQL database that takes the place of the file."""
    path: PathText | None = None
    """The file; by default notifier.db in the state folder."""
    retention: Annotated[float, duration_within(minimum=60.0)] = 30 * 24 * 3600.0
    """How long events, attempts and dead letters are kept once they are over."""


class ClusterTable(Table):
    """This process as one of several on the database of [store] url."""

    instance: Name | None = None
    """Its name, which no other has that runs; by default the name of the host."""
    lease: Annotated[float, duration_within(minimum=5.0, maximum=LONGEST_LEASE)] = DEFAULT_LEASE
    """Others take over its work so long after it was last heard of."""


class ArchiveTable(Table):
    """Copies of finished videos, for gateways with `archive = true`."""

    dir: PathText | None = None
    """The folder for copies; by default `archive` beside the database."""
    max_bytes: Annotated[int, Field(ge=1, le=2**50)] = 2 * 2**30
    """A video with more bytes is not copied."""
    max_total_bytes: Annotated[int, Field(ge=1, le=2**60)] = 100 * 2**30
    """A folder with so many bytes takes no further copy; nothing is deleted for room."""
    keep: Annotated[float, duration_within(minimum=60.0)] | None = None
    """Copies are deleted after that; without it never."""
    url_prefix: Annotated[str, PlainValidator(check_url_prefix), raw_values.URL_PREFIX] | None = (
        None
    )
    """Where a web server shows the folder: events then have the URL of the copy."""


class LogTable(Table):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""
    format: Literal["json", "console", "auto"] = "auto"
    """`auto` is console on a terminal, the journal under systemd, else JSON."""


class HttpTable(Table):
    """The control API: its sockets and its token."""

    socket: PathText | None = None
    """The path of the Unix socket, at most 107 bytes."""
    socket_group: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """A group of this machine whose members may open the socket, and so control everything."""
    listen: Annotated[str, PlainValidator(check_listen), raw_values.LISTEN] | None = None
    """HOST:PORT of the same on TCP; anything but loopback needs a token."""
    token: Annotated[Secret, secret_checked(check_token, raw_values.TOKEN)] | None = None
    """Sent as `Authorization: Bearer`, at least 16 characters."""
    allow_callback_urls: bool = False
    """Accept watches with a public URL of their own for their event."""


class PassthroughTable(Table):
    """Pass-through: where applications send their requests, to have their jobs watched."""

    listen: Annotated[str, PlainValidator(check_listen), raw_values.LISTEN] | None = None
    """HOST:PORT of plain HTTP; anything but loopback needs a token."""
    token: Annotated[Secret, secret_checked(check_token, raw_values.TOKEN)] | None = None
    """What callers may present in place of a gateway's key, at least 16 characters."""


class DropIn(Table):
    """A file in `watch_dir`."""

    watches: list[WatchTable] = []


class Document(Table):
    """The config file."""

    model_config = ConfigDict(json_schema_extra={"required": ["gateways"]})

    gateways: dict[Name, GatewayTable] = {}
    """One table per gateway; the name is yours."""
    endpoints: dict[Name, EndpointTable] = {}
    """One table per receiver of events; the name is yours."""
    watches: list[WatchTable] = []
    """One table per video that is watched from here."""
    watch_dir: PathText = "watches.d"
    """A folder of files that hold [[watches]]."""
    outbound: OutboundTable = OutboundTable()
    """Where connections may go."""
    store: StoreTable = StoreTable()
    """The database."""
    cluster: ClusterTable = ClusterTable()
    """This process as one of several on the database of [store] url."""
    archive: ArchiveTable = ArchiveTable()
    """Copies of finished videos."""
    log: LogTable = LogTable()
    """What is logged, and how."""
    http: HttpTable = HttpTable()
    """The control API."""
    passthrough: PassthroughTable = PassthroughTable()
    """Where applications send their requests, to have their jobs watched."""
