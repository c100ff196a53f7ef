"""Loads the config file into settings, or reports everything that is wrong with it."""

import re
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from notifier.config.consistency import disagreements
from notifier.config.models import (
    ArchiveTable,
    ClusterTable,
    Document,
    EndpointTable,
    GatewayTable,
    HttpTable,
    PassthroughTable,
)
from notifier.config.paths import (
    StoreOwner,
    StorePlace,
    absolute_path,
    credentials_folder,
    default_socket_path,
    default_store,
    no_store,
)
from notifier.config.references import Names
from notifier.config.secret_sources import ParseContext
from notifier.config.settings import (
    ArchiveSettings,
    ClusterSettings,
    Config,
    EndpointSettings,
    GatewaySettings,
    HttpSettings,
    PassthroughSettings,
)
from notifier.config.tls_files import TlsFiles
from notifier.config.toml_file import read_toml
from notifier.config.validation import validate
from notifier.config.validators import LONGEST_NAME, split_listen
from notifier.config.watches import to_spec, watch_disagreements
from notifier.errors import ConfigError
from notifier.model.delivery import Format, Language
from notifier.model.status import Status
from notifier.model.watch import Listing
from notifier.net import AddressPolicy

SOURCE = "config"
"""The name of the main file among the sources of watches; drop-ins end in `.toml`."""

_DEFAULT_MIN_POLL_INTERVAL = 5.0


def load(path: Path, env: Mapping[str, str], owner: StoreOwner = no_store) -> Config:
    """Return the checked configuration in `path`.

    Secrets are looked up in `env` later, when they are revealed. `owner` finds a store that an
    earlier version left. Raises ConfigError with every problem found.
    """
    path = absolute_path(path)
    raw = read_toml(path)
    context = ParseContext(path.parent, env, credentials_folder(path))
    document, findings = validate(Document, raw, context)
    names = Names(_names(raw, "gateways"), _names(raw, "endpoints"))
    findings += disagreements(raw)
    findings += watch_disagreements(raw, names)
    if document is None or findings:
        raise ConfigError([finding.problem(path) for finding in findings])
    return _config(path, document, names, _places(path, document, env, owner))


def _names(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    named = raw.get(key)
    return tuple(named) if isinstance(named, dict) else ()


def _places(
    path: Path, document: Document, env: Mapping[str, str], owner: StoreOwner
) -> tuple[StorePlace, Path]:
    """Return the places of the store and of the control socket."""
    folder, named, socket = path.parent, document.store.path, document.http.socket
    store = default_store(path, env, owner) if named is None else StorePlace(folder / named)
    store = replace(store, url=document.store.url, lease=document.cluster.lease)
    return store, folder / socket if socket else default_socket_path(path, store, env)


def _config(
    path: Path, document: Document, names: Names, places: tuple[StorePlace, Path]
) -> Config:
    folder = path.parent
    store, socket = places
    return Config(
        path=path,
        gateways=MappingProxyType(
            {name: _gateway(name, table, folder) for name, table in document.gateways.items()}
        ),
        endpoints=MappingProxyType(
            {name: _endpoint(name, table, folder) for name, table in document.endpoints.items()}
        ),
        listing=Listing(SOURCE, tuple(to_spec(table, names) for table in document.watches)),
        watch_dir=folder / document.watch_dir,
        outbound=AddressPolicy(document.outbound.public_only, tuple(document.outbound.allow)),
        store=store,
        retention=document.store.retention,
        cluster=_cluster(document.cluster),
        archive=_archive(document.archive, folder, store.path),
        log_level=document.log.level,
        log_format=document.log.format,
        http=_http(document.http, socket),
        passthrough=_passthrough(document.passthrough),
    )


def _cluster(table: ClusterTable) -> ClusterSettings:
    return ClusterSettings(table.instance or _host_name(), table.lease)


def _host_name() -> str:
    """Return the name of this host, as far as it may be the name of an instance."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", socket.gethostname())
    return name.lstrip("_.-")[:LONGEST_NAME] or "host"


def _archive(table: ArchiveTable, folder: Path, store: Path) -> ArchiveSettings:
    return ArchiveSettings(
        folder=store.parent / "archive" if table.dir is None else folder / table.dir,
        max_bytes=table.max_bytes,
        max_total_bytes=table.max_total_bytes,
        keep=table.keep,
        url_prefix=table.url_prefix,
    )


def _http(table: HttpTable, socket: Path) -> HttpSettings:
    return HttpSettings(
        socket=socket,
        socket_named=table.socket is not None,
        socket_group=table.socket_group,
        listen=None if table.listen is None else split_listen(table.listen),
        token=table.token,
        allow_callback_urls=table.allow_callback_urls,
    )


def _passthrough(table: PassthroughTable) -> PassthroughSettings:
    listen = None if table.listen is None else split_listen(table.listen)
    return PassthroughSettings(listen, table.token)


def _tls(table: GatewayTable | EndpointTable, folder: Path) -> TlsFiles:
    ca_file = None if table.ca_file is None else folder / table.ca_file
    return TlsFiles(ca_file, table.client_cert, table.client_key)


def _gateway(name: str, table: GatewayTable, folder: Path) -> GatewaySettings:
    smallest = table.min_poll_interval
    if smallest is None:
        smallest = min(_DEFAULT_MIN_POLL_INTERVAL, table.poll_interval)
    words = {word: Status(status) for word, status in table.status_words.items()}
    return GatewaySettings(
        name=name,
        base_url=table.base_url,
        api_key=table.api_key,
        headers=MappingProxyType(table.headers),
        poll_interval=table.poll_interval,
        min_poll_interval=smallest,
        max_requests_per_second=table.max_requests_per_second,
        request_timeout=table.request_timeout,
        give_up_after=table.give_up_after,
        not_found_grace=table.not_found_grace,
        status_words=MappingProxyType(words),
        rewrites_ids=table.rewrites_ids,
        hide_fields=tuple(table.hide_fields),
        list_videos=table.list_videos,
        discover=table.discover,
        discover_since=table.discover_since,
        expiry_notice=table.expiry_notice,
        archive=table.archive,
        proxy=table.proxy,
        tls=_tls(table, folder),
        max_connection_age=table.max_connection_age,
    )


def _endpoint(name: str, table: EndpointTable, folder: Path) -> EndpointSettings:
    return EndpointSettings(
        name=name,
        url=table.url,
        format=Format(table.format),
        language=Language(table.language),
        template=None if table.template is None else folder / table.template,
        content_type=table.content_type,
        signature=tuple(table.signature),
        secrets=tuple(table.secret),
        events=tuple(table.events),
        timeout=table.timeout,
        max_concurrency=table.max_concurrency,
        retry_schedule=tuple(table.retry_schedule),
        headers=MappingProxyType(table.headers),
        proxy=table.proxy,
        tls=_tls(table, folder),
        max_connection_age=table.max_connection_age,
    )
