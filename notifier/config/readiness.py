"""Checks of a config beyond its syntax: secrets, certificate files, and warnings.

They read files and the environment, so commands that need no secret skip them.
"""

import re
from collections.abc import Iterator
from contextlib import suppress

from notifier.config.consistency import unencrypted
from notifier.config.files import is_world_readable
from notifier.config.findings import Finding, Location
from notifier.config.named_files import named_certificates, named_secrets
from notifier.config.secrets import SecretError
from notifier.config.settings import Config, EndpointSettings, GatewaySettings
from notifier.config.tls_files import TlsFileError, read_tls
from notifier.config.urls import (
    is_loopback,
    is_sent_unencrypted,
    literal_address,
    query_credentials,
)
from notifier.errors import Problem
from notifier.formats.table import SERVICES
from notifier.net import ANYWHERE, AddressPolicy

_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?", re.ASCII)


def obstacles(config: Config) -> list[Problem]:
    """Return the problems that keep a checked config from being run: secrets and certificates."""
    return [*resolve_secrets(config), *check_certificates(config)]


def resolve_secrets(config: Config) -> list[Problem]:
    """Reveal every secret once; return a problem for each that cannot be read or used."""
    findings = []
    for location, secret in named_secrets(config):
        try:
            secret.reveal()
        except SecretError as error:
            findings.append(Finding(location, str(error), error.hint))
    return [finding.problem(config.path) for finding in findings]


def check_certificates(config: Config) -> list[Problem]:
    """Return a problem for every certificate file that cannot be used."""
    findings = []
    for location, files in named_certificates(config):
        try:
            read_tls(files)
        except TlsFileError as error:
            findings.append(Finding((*location, error.key), error.message, error.hint))
    findings += _unused_certificates(config)
    return [finding.problem(config.path) for finding in findings]


def _unused_certificates(config: Config) -> Iterator[Finding]:
    """Find a client certificate for a URL that is a secret and turns out to be plain http."""
    for name, endpoint in config.endpoints.items():
        if endpoint.tls.client_cert is None or endpoint.url.is_literal:
            continue
        with suppress(SecretError):  # reported among the secrets
            if endpoint.url.reveal().lower().startswith("http:"):
                yield unencrypted(("endpoints", name, "client_cert"), "url")


def warnings(config: Config) -> list[Problem]:
    """Return what works but should be changed; needs no secret and no network."""
    findings = [
        *_exposed_secrets(config),
        *(each for gateway in config.gateways.values() for each in _odd_gateway(gateway)),
        *_refused_addresses(config),
        *_plain_passthrough(config),
        *_unexpanded(config),
    ]
    if not config.endpoints:
        findings.append(Finding(("endpoints",), "none is configured: nobody gets any event"))
    return [finding.problem(config.path) for finding in findings]


def _odd_gateway(gateway: GatewaySettings) -> Iterator[Finding]:
    location = ("gateways", gateway.name, "base_url")
    if is_sent_unencrypted(gateway.base_url) and _carries_secret(gateway):
        yield Finding(location, "sends secrets unencrypted over the network", "use https")
    path = gateway.base_url.partition("?")[0]
    if path.endswith("/videos"):
        yield Finding(location, "ends in /videos", "leave it out: notifier adds it")
    elif not path.endswith("/v1"):
        yield Finding(location, "does not end in /v1", "most gateways answer under /v1")


def _unexpanded(config: Config) -> Iterator[Finding]:
    """Find secrets that are the name of a variable, as a shell would expand it."""
    for location, secret in named_secrets(config):
        with suppress(SecretError):  # reported among the secrets
            variable = _VARIABLE.fullmatch(secret.reveal()) if secret.is_literal else None
            if variable is not None:
                message = "is used as it is written: variables are not expanded"
                yield Finding(location, message, f'write {{ env = "{variable[1]}" }}')


def _plain_passthrough(config: Config) -> Iterator[Finding]:
    listen = config.passthrough.listen
    if listen is not None and not is_loopback(listen[0]):
        message = "takes keys and the token unencrypted from the network"
        hint = "listen on loopback, and put a proxy that speaks TLS before it"
        yield Finding(("passthrough", "listen"), message, hint)


def _refused_addresses(config: Config) -> Iterator[Finding]:
    """Find URLs with a literal address that the address policy refuses."""
    named: list[tuple[Location, str, AddressPolicy]] = [
        (("gateways", name, "base_url"), each.base_url, ANYWHERE)
        for name, each in config.gateways.items()
    ]
    named += [
        (("endpoints", name, "url"), each.url.reveal(), config.outbound)
        for name, each in config.endpoints.items()
        if each.url.is_literal
    ]
    for location, url, policy in named:
        address = literal_address(url)
        reason = None if address is None else policy.refusal(address)
        if reason is not None:
            yield Finding(location, f"will never be connected to: it is {reason}")


def _carries_secret(gateway: GatewaySettings) -> bool:
    headers = gateway.headers
    secret = "authorization" in headers or any(not each.is_literal for each in headers.values())
    in_query = bool(query_credentials(gateway.base_url))
    return gateway.api_key is not None or secret or in_query


def _exposed_secrets(config: Config) -> Iterator[Finding]:
    for location, secret in named_secrets(config):
        if secret.file is not None and is_world_readable(secret.file):
            yield _exposed(location, secret.source)
    for location, files in named_certificates(config):
        key, origin = "client_key", files.client_key
        if origin is None:
            key, origin = "client_cert", files.client_cert  # it holds the key as well
        if origin is not None and origin.file is not None and is_world_readable(origin.file):
            yield _exposed((*location, key), origin.source)
    if _holds_secrets(config) and is_world_readable(config.path):
        message = "holds secrets and can be read by everybody on this machine"
        yield Finding((), message, "chmod 600 it, or keep the secrets elsewhere")


def _exposed(location: Location, source: str) -> Finding:
    return Finding(location, f"{source} can be read by everybody on this machine", "chmod 600 it")


def _holds_secrets(config: Config) -> bool:
    """Return whether the config file itself holds secrets."""
    keys = [
        *(gateway.api_key for gateway in config.gateways.values()),
        *(gateway.proxy for gateway in config.gateways.values()),
        *(endpoint.proxy for endpoint in config.endpoints.values()),
        config.http.token,
        config.passthrough.token,
    ]
    return any(key is not None and key.is_literal for key in keys) or any(
        _endpoint_holds_secrets(endpoint) for endpoint in config.endpoints.values()
    )


def _endpoint_holds_secrets(endpoint: EndpointSettings) -> bool:
    secrets = endpoint.secrets
    if SERVICES[endpoint.format].url_is_secret:
        secrets = (*secrets, endpoint.url)  # the URL alone permits posting
    return any(secret.is_literal for secret in secrets)
