"""Checks that concern several keys at once.

They run on the raw data, so that a bad duration in one table does not hide a contradiction in
another. A value of the wrong type is skipped here: the models report it.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from notifier.config.durations import DurationError, format_duration, parse_duration
from notifier.config.findings import Finding, Location
from notifier.config.models import GatewayTable
from notifier.config.signing_rules import contradictions
from notifier.config.urls import is_loopback
from notifier.config.validators import split_listen
from notifier.model.status import fold_word

Raw = Mapping[str, Any]


def disagreements(raw: Raw) -> Iterator[Finding]:
    """Find contradictions between the keys of a config file, without its watches."""
    if raw.get("gateways", {}) == {}:
        yield Finding(
            ("gateways",),
            "at least one gateway is required",
            "`notifier init` writes a config to start from",
        )
    for location, gateway in _tables(raw, "gateways"):
        yield from _poll_intervals(location, gateway)
        yield from _authorization(location, gateway)
        yield from _discovery(location, gateway)
        yield from _same_when_folded(location, gateway, "headers")
        yield from _same_when_folded(location, gateway, "status_words")
        yield from _client_certificate(location, gateway, "base_url")
    for location, endpoint in _tables(raw, "endpoints"):
        yield from contradictions(location, dict(endpoint))
        yield from _same_when_folded(location, endpoint, "headers")
        yield from _client_certificate(location, endpoint, "url")
    yield from _two_stores(raw.get("store"))
    yield from _cluster_of_one(raw)
    yield from _one_address_twice(raw.get("http"), raw.get("passthrough"))
    yield from _open_to_others("http", raw.get("http"))
    yield from _open_to_others("passthrough", raw.get("passthrough"))


def _two_stores(store: Any) -> Iterator[Finding]:  # noqa: ANN401 - a value from TOML
    if isinstance(store, dict) and "url" in store and "path" in store:
        yield Finding(
            ("store", "path"),
            "contradicts url: the state is in a file or in PostgreSQL",
            "leave one of the two out",
        )


def _cluster_of_one(raw: Raw) -> Iterator[Finding]:
    """Find settings of an instance among others whose store nobody can share."""
    store, cluster = raw.get("store"), raw.get("cluster")
    if isinstance(cluster, dict) and cluster and not (isinstance(store, dict) and "url" in store):
        yield Finding(
            ("cluster",),
            "is for instances that share a database, and the state is in a file",
            "set [store] url, or remove this table",
        )


def _tables(raw: Raw, key: str) -> Iterator[tuple[Location, Raw]]:
    named = raw.get(key)
    if isinstance(named, dict):
        for name, table in named.items():
            if isinstance(table, dict):
                yield (key, name), table


def _poll_intervals(location: Location, gateway: Raw) -> Iterator[Finding]:
    default = GatewayTable.model_fields["poll_interval"].default
    try:
        smallest = parse_duration(gateway.get("min_poll_interval", 0))
        usual = parse_duration(gateway.get("poll_interval", default))
    except DurationError:
        return
    if smallest > usual:
        by_default = "" if "poll_interval" in gateway else " by default"
        yield Finding(
            (*location, "min_poll_interval"),
            f"must not be above poll_interval, which is {format_duration(usual)}{by_default}",
            "lower this one or raise poll_interval",
        )


def _authorization(location: Location, gateway: Raw) -> Iterator[Finding]:
    headers = gateway.get("headers")
    if "api_key" not in gateway or not isinstance(headers, dict):
        return
    for name in headers:
        if name.lower() == "authorization":
            yield Finding(
                (*location, "headers", name),
                "contradicts api_key, which is sent in the same header",
                "keep one of them",
            )


def _client_certificate(location: Location, table: Raw, url_key: str) -> Iterator[Finding]:
    """Find a client certificate that lacks the certificate itself, or TLS to be presented in."""
    if "client_key" in table and "client_cert" not in table:
        yield Finding(
            (*location, "client_key"),
            "is the key of client_cert, and there is none",
            "name the certificate's file there",
        )
    if "client_cert" in table and str(table.get(url_key)).lower().startswith("http:"):
        yield unencrypted((*location, "client_cert"), url_key)


def unencrypted(location: Location, url_key: str) -> Finding:
    """Return the finding for a client certificate at `location` that no TLS would present."""
    return Finding(location, f"is for https, and {url_key} is plain http", "use https")


def _discovery(location: Location, gateway: Raw) -> Iterator[Finding]:
    if "discover_since" in gateway and "discover" not in gateway:
        yield Finding(
            (*location, "discover_since"),
            "has no effect without discover",
            "add discover = true, or remove this",
        )


def _open_to_others(key: str, table: object) -> Iterator[Finding]:
    """Find a server of ours that is open to the network without a token."""
    if not isinstance(table, dict) or not isinstance(table.get("listen"), str):
        return
    if "token" in table:
        return
    host, _ = split_listen(table["listen"])
    if host and not is_loopback(host):
        yield Finding(
            (key, "token"),
            "is required unless listen is a loopback address",
            "openssl rand -hex 32 makes one",
        )


def _one_address_twice(http: object, passthrough: object) -> Iterator[Finding]:
    """Find two servers of ours at the same address."""
    addresses = [
        split_listen(table["listen"])
        for table in (http, passthrough)
        if isinstance(table, dict) and isinstance(table.get("listen"), str)
    ]
    for (host, port), (other, other_port) in pairwise(addresses):
        is_name = "localhost" in {host, other} and is_loopback(host) and is_loopback(other)
        if port == other_port > 0 and (host == other or is_name):
            yield Finding(
                ("passthrough", "listen"), "is also that of [http]", "give it a port of its own"
            )


def _same_when_folded(location: Location, table: Raw, key: str) -> Iterator[Finding]:
    """Find names that are equal once case and separators are folded."""
    named = table.get(key)
    if not isinstance(named, dict):
        return
    fold = str.lower if key == "headers" else fold_word
    seen: dict[str, Any] = {}
    for name, value in named.items():
        folded = fold(name)
        if folded in seen and (key == "headers" or seen[folded] != value):
            yield Finding((*location, key, name), "stands here twice, written differently")
        seen.setdefault(folded, value)
