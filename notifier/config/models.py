"""The TOML tables, as pydantic checks them: one model per table, one field per key.

Types are strict and unknown keys are refused. A field's own check runs whether or not other
fields are good; what concerns several keys at once is checked on the raw data, in
`notifier.config.agreement`, because pydantic skips such checks as soon as one field is bad.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
)

from notifier.config.durations import (
    LONGEST,
    DurationError,
    format_duration,
    parse_duration,
)
from notifier.config.secrets import Check, Secret, read_secret
from notifier.config.urls import check_base_url, check_endpoint_url, check_proxy_url
from notifier.config.values import (
    check_api_key,
    check_event_pattern,
    check_header_name,
    check_header_value,
    check_listen,
    check_metadata,
    check_name,
    check_network,
    check_path,
    check_signing_secret,
    check_status_word,
    check_token,
    check_video_id,
)

_TEN_MINUTES = 600.0


class Surroundings(NamedTuple):
    """What secrets are looked up in: pydantic's validation context here."""

    folder: Path
    env: Mapping[str, str]


def _duration(minimum: float = 0.001, maximum: float = LONGEST) -> PlainValidator:
    def check(value: object) -> float:
        seconds = parse_duration(value)
        if not minimum <= seconds <= maximum:
            low, high = format_duration(minimum), format_duration(maximum)
            within = f"at least {low}" if maximum == LONGEST else f"{low} to {high}"
            raise DurationError(f"must be {within}")
        return seconds

    return PlainValidator(check)


def _secret(check: Check) -> PlainValidator:
    def read(value: object, info: ValidationInfo) -> Secret:
        around = cast("Surroundings", info.context)
        return read_secret(value, check, around.folder, around.env)

    return PlainValidator(read)


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list) else [value]


Name = Annotated[str, AfterValidator(check_name)]
PathText = Annotated[str, PlainValidator(check_path)]
Duration = Annotated[float, _duration()]
Rate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Headers = dict[
    Annotated[str, AfterValidator(check_header_name)],
    Annotated[Secret, _secret(check_header_value)],
]
StatusWords = dict[
    Annotated[str, AfterValidator(check_status_word)],
    Literal["queued", "in_progress", "completed", "failed", "cancelled"],
]
ProxyUrl = Annotated[Secret, _secret(check_proxy_url)]
SigningSecrets = Annotated[
    list[Annotated[Secret, _secret(check_signing_secret)]],
    Field(min_length=1, max_length=4),
    BeforeValidator(_one_or_more),
]


class Table(BaseModel):
    """A TOML table; `later` are keys that only a later version knows."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)
    later: ClassVar[frozenset[str]] = frozenset()


class GatewayTable(Table):
    """`[gateways.NAME]`."""

    later = frozenset({"list_videos"})

    base_url: Annotated[str, PlainValidator(check_base_url)]
    api_key: Annotated[Secret, _secret(check_api_key)] | None = None
    headers: Headers = {}
    poll_interval: Annotated[float, _duration(minimum=0.1)] = 20.0
    min_poll_interval: Duration | None = None
    max_requests_per_second: Rate = 10.0
    request_timeout: Duration = 30.0
    give_up_after: Duration = 24 * 3600.0
    not_found_grace: Duration = 120.0
    status_words: StatusWords = {}
    rewrites_ids: bool = False
    proxy: ProxyUrl | None = None
    ca_file: PathText | None = None


class EndpointTable(Table):
    """`[endpoints.NAME]`."""

    url: Annotated[Secret, _secret(check_endpoint_url)]
    format: Literal["standard", "slack"] = "standard"
    secret: SigningSecrets = []
    events: Annotated[
        list[Annotated[str, PlainValidator(check_event_pattern)]],
        Field(min_length=1, max_length=50),
    ] = ["video.*"]
    timeout: Annotated[float, _duration(maximum=_TEN_MINUTES)] = 15.0
    max_concurrency: Annotated[int, Field(ge=1, le=100)] = 4
    retry_schedule: Annotated[list[Duration], Field(min_length=1, max_length=50)] = [
        *(5.0, 5 * 60.0, 30 * 60.0),
        *(hours * 3600.0 for hours in (2, 5, 10, 14, 20, 24)),
    ]
    headers: Headers = {}
    proxy: ProxyUrl | None = None
    ca_file: PathText | None = None


class WatchTable(Table):
    """`[[watches]]`."""

    video_id: Annotated[str, PlainValidator(check_video_id)]
    gateway: str | None = None
    endpoints: Annotated[list[str], Field(min_length=1)] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=50), AfterValidator(check_metadata)] = {}
    give_up_after: Duration | None = None
    generation: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class OutboundTable(Table):
    """`[outbound]`."""

    public_only: bool = False
    allow: Annotated[
        list[Annotated[IPv4Network | IPv6Network, PlainValidator(check_network)]],
        Field(max_length=100),
    ] = []


class StoreTable(Table):
    """`[store]`."""

    later = frozenset({"url"})

    path: PathText | None = None
    retention: Annotated[float, _duration(minimum=60.0)] = 30 * 24 * 3600.0


class LogTable(Table):
    """`[log]`."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console", "auto"] = "auto"


class HttpTable(Table):
    """`[http]`."""

    later = frozenset({"allow_callback_urls"})

    socket: PathText | None = None
    listen: Annotated[str, PlainValidator(check_listen)] | None = None
    token: Annotated[Secret, _secret(check_token)] | None = None


class DropIn(Table):
    """A file in `watch_dir`."""

    watches: list[WatchTable] = []


class Document(Table):
    """The config file."""

    gateways: dict[Name, GatewayTable] = {}
    endpoints: dict[Name, EndpointTable] = {}
    watches: list[WatchTable] = []
    watch_dir: PathText = "watches.d"
    outbound: OutboundTable = OutboundTable()
    store: StoreTable = StoreTable()
    log: LogTable = LogTable()
    http: HttpTable = HttpTable()
