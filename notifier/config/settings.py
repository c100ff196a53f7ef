"""The checked configuration: immutable, complete, every default filled in.

Durations are seconds. Nothing here needs checking again, except secrets, which are read when they
are revealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from notifier.config.paths import StorePlace
from notifier.config.secrets import Secret
from notifier.config.tls_files import TlsFiles
from notifier.model.delivery import Format, Language
from notifier.model.status import Status
from notifier.model.watch import Listing
from notifier.net import AddressPolicy

ListVideos = Literal["auto", "always", "never"]
"""Whether list requests may poll many videos of a gateway at once."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """One gateway. the path of `base_url` has no trailing slash, `headers` lower-case names."""

    name: str
    base_url: str
    api_key: Secret | None
    headers: Mapping[str, Secret]
    poll_interval: float
    min_poll_interval: float
    max_requests_per_second: float
    request_timeout: float
    give_up_after: float
    not_found_grace: float
    status_words: Mapping[str, Status]
    rewrites_ids: bool
    hide_fields: tuple[str, ...]
    list_videos: ListVideos
    discover: bool
    discover_since: float | None
    expiry_notice: float | None
    archive: bool
    proxy: Secret | None
    tls: TlsFiles
    max_connection_age: float


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """One endpoint. `secrets` is empty for a format that is not signed.

    `signature` names the signatures that are sent, `template` the file of format `template`,
    `content_type` what it makes.
    """

    name: str
    url: Secret
    format: Format
    language: Language
    template: Path | None
    content_type: str
    signature: tuple[str, ...]
    secrets: tuple[Secret, ...]
    events: tuple[str, ...]
    timeout: float
    max_concurrency: int
    retry_schedule: tuple[float, ...]
    headers: Mapping[str, Secret]
    proxy: Secret | None
    tls: TlsFiles
    max_connection_age: float


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The control API; `socket_named` is True when the config itself sets the socket's path.

    `listen` is a host (a name, or an address without brackets) and a port, None for no TCP.
    """

    socket: Path
    socket_named: bool
    socket_group: str | None
    listen: tuple[str, int] | None
    token: Secret | None
    allow_callback_urls: bool


@dataclass(frozen=True, slots=True)
class PassthroughSettings:
    """Pass-through; `listen` is as in `HttpSettings`."""

    listen: tuple[str, int] | None
    token: Secret | None


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """This process as one of several with one store: its name, and its lease in seconds."""

    instance: str
    lease: float


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Where copies of videos are kept, and how much of them.

    `keep` is None for ever. `url_prefix` has no slash at its end.
    """

    folder: Path
    max_bytes: int
    max_total_bytes: int
    keep: float | None
    url_prefix: str | None


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. Paths are absolute; `listing` holds the main file's own watches.

    `outbound` applies to endpoints. Gateways may have any address that is not always refused.
    """

    path: Path
    gateways: Mapping[str, GatewaySettings]
    endpoints: Mapping[str, EndpointSettings]
    listing: Listing
    watch_dir: Path
    outbound: AddressPolicy
    store: StorePlace
    retention: float
    cluster: ClusterSettings
    archive: ArchiveSettings
    log_level: str
    log_format: str
    http: HttpSettings
    passthrough: PassthroughSettings

    @property
    def socket(self) -> Path:
        """The control API's Unix socket."""
        return self.http.socket

    @property
    def store_path(self) -> Path:
        """The store's file, or where it would be."""
        return self.store.path
