"""Everything in a config that may be kept in a file: secrets and certificates."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from notifier.config.bad_value import BadValueError
from notifier.config.files import read_regular_file
from notifier.config.findings import Location
from notifier.config.secrets import Secret
from notifier.config.settings import Config, GatewaySettings
from notifier.config.tls_files import MAX_AUTHORITIES, TlsFiles


def named_secrets(config: Config) -> Iterator[tuple[Location, Secret]]:
    """Yield every value that may be secret, with its location."""
    for gateway in config.gateways.values():
        yield from _of_gateway(gateway)
    for endpoint in config.endpoints.values():
        location: Location = ("endpoints", endpoint.name)
        yield (*location, "url"), endpoint.url
        for index, secret in enumerate(endpoint.secrets):
            yield (*location, "secret", *((index,) if len(endpoint.secrets) > 1 else ())), secret
        for name, value in endpoint.headers.items():
            yield (*location, "headers", name), value
        if endpoint.proxy is not None:
            yield (*location, "proxy"), endpoint.proxy
    if config.store.url is not None:
        yield ("store", "url"), config.store.url
    for key, token in (("http", config.http.token), ("passthrough", config.passthrough.token)):
        if token is not None:
            yield (key, "token"), token


def _of_gateway(gateway: GatewaySettings) -> Iterator[tuple[Location, Secret]]:
    location: Location = ("gateways", gateway.name)
    if gateway.api_key is not None:
        yield (*location, "api_key"), gateway.api_key
    for name, value in gateway.headers.items():
        yield (*location, "headers", name), value
    if gateway.proxy is not None:
        yield (*location, "proxy"), gateway.proxy


def named_certificates(config: Config) -> Iterator[tuple[Location, TlsFiles]]:
    """Yield the certificate files of every gateway and endpoint, with its location."""
    for gateway in config.gateways.values():
        yield ("gateways", gateway.name), gateway.tls
    for endpoint in config.endpoints.values():
        yield ("endpoints", endpoint.name), endpoint.tls


def file_digests(config: Config) -> Mapping[Path, str]:
    """Return a digest of each file that the config names, "" for one that cannot be read.

    Credentials of systemd do not count: they never change while a process runs.
    """
    secrets = [secret.file for _, secret in named_secrets(config)]
    certificates = [path for _, files in named_certificates(config) for path in files.paths]
    paths = [path for path in (*secrets, *certificates) if path is not None]
    return {path: _digest(path) for path in paths}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_regular_file(path, MAX_AUTHORITIES)).hexdigest()
    except BadValueError:
        return ""
