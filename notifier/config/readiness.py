"""Is a checked config ready to run? Its secrets must be there; some things deserve a warning."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from notifier.config.files import readable_by_everybody
from notifier.config.problems import Finding, Place
from notifier.config.secrets import Secret, SecretError
from notifier.config.settings import Config, EndpointSettings, GatewaySettings
from notifier.config.urls import leaves_machine_in_clear, literal_address
from notifier.errors import Problem
from notifier.model.delivery import Format
from notifier.net import ANYWHERE, AddressPolicy


def obstacles(config: Config) -> list[Problem]:
    """Return all that keeps a checked config from being run: its secrets, its certificates."""
    return [*resolve_secrets(config), *check_certificates(config)]


def resolve_secrets(config: Config) -> list[Problem]:
    """Reveal every secret once, and return those that cannot be or that cannot be used."""
    findings = []
    for place, secret in _secrets(config):
        try:
            secret.reveal()
        except SecretError as error:
            findings.append(Finding(place, str(error), error.hint))
    return [finding.problem(config.path) for finding in findings]


def _secrets(config: Config) -> Iterator[tuple[Place, Secret]]:
    """Yield every value that may be secret, with its place."""
    for gateway in config.gateways.values():
        place: Place = ("gateways", gateway.name)
        if gateway.api_key is not None:
            yield (*place, "api_key"), gateway.api_key
        for name, value in gateway.headers.items():
            yield (*place, "headers", name), value
        if gateway.proxy is not None:
            yield (*place, "proxy"), gateway.proxy
    for endpoint in config.endpoints.values():
        place = ("endpoints", endpoint.name)
        yield (*place, "url"), endpoint.url
        for index, secret in enumerate(endpoint.secrets):
            yield (*place, "secret", *((index,) if len(endpoint.secrets) > 1 else ())), secret
        for name, value in endpoint.headers.items():
            yield (*place, "headers", name), value
        if endpoint.proxy is not None:
            yield (*place, "proxy"), endpoint.proxy
    if config.http.token is not None:
        yield ("http", "token"), config.http.token


def check_certificates(config: Config) -> list[Problem]:
    """Return every `ca_file` that cannot be used."""
    tables = [
        *(("gateways", name, each.ca_file) for name, each in config.gateways.items()),
        *(("endpoints", name, each.ca_file) for name, each in config.endpoints.items()),
    ]
    findings = []
    for table, name, path in tables:
        reason = None if path is None else _certificate_trouble(path)
        if reason is not None:
            findings.append(Finding((table, name, "ca_file"), f"file {path} {reason}"))
    return [finding.problem(config.path) for finding in findings]


def _certificate_trouble(path: Path) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "holds no certificates in PEM"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None


def warnings(config: Config) -> list[Problem]:
    """Return what works and should still be changed; needs no secret and no network."""
    findings = [
        *_exposed_secrets(config),
        *(each for gateway in config.gateways.values() for each in _odd_gateway(gateway)),
        *_refused_addresses(config),
    ]
    if not config.endpoints:
        findings.append(Finding(("endpoints",), "none is configured: nobody gets any event"))
    return [finding.problem(config.path) for finding in findings]


def _odd_gateway(gateway: GatewaySettings) -> Iterator[Finding]:
    place = ("gateways", gateway.name, "base_url")
    if leaves_machine_in_clear(gateway.base_url) and _carries_secret(gateway):
        yield Finding(place, "sends secrets unencrypted over the network", "use https")
    if not gateway.base_url.endswith("/v1"):
        yield Finding(place, "does not end in /v1", "most gateways answer under /v1")


def _refused_addresses(config: Config) -> Iterator[Finding]:
    """Find URLs that name an address which will not be connected to."""
    named: list[tuple[Place, str, AddressPolicy]] = [
        (("gateways", name, "base_url"), each.base_url, ANYWHERE)
        for name, each in config.gateways.items()
    ]
    named += [
        (("endpoints", name, "url"), each.url.reveal(), config.outbound)
        for name, each in config.endpoints.items()
        if each.url.is_literal
    ]
    for place, url, policy in named:
        address = literal_address(url)
        reason = None if address is None else policy.refusal(address)
        if reason is not None:
            yield Finding(place, f"will never be connected to: it is {reason}")


def _carries_secret(gateway: GatewaySettings) -> bool:
    headers = gateway.headers
    secret = "authorization" in headers or any(not each.is_literal for each in headers.values())
    return gateway.api_key is not None or secret


def _exposed_secrets(config: Config) -> Iterator[Finding]:
    for place, secret in _secrets(config):
        if secret.file is not None and readable_by_everybody(secret.file):
            message = f"{secret.source} can be read by everybody on this machine"
            yield Finding(place, message, "chmod 600 it")
    if _holds_secrets(config) and readable_by_everybody(config.path):
        message = "holds secrets and can be read by everybody on this machine"
        yield Finding((), message, "chmod 600 it, or keep the secrets elsewhere")


def _holds_secrets(config: Config) -> bool:
    """Tell whether the config file itself has to be kept from others."""
    keys = [
        *(gateway.api_key for gateway in config.gateways.values()),
        *(gateway.proxy for gateway in config.gateways.values()),
        *(endpoint.proxy for endpoint in config.endpoints.values()),
        config.http.token,
    ]
    return any(key is not None and key.is_literal for key in keys) or any(
        _endpoint_holds_secrets(endpoint) for endpoint in config.endpoints.values()
    )


def _endpoint_holds_secrets(endpoint: EndpointSettings) -> bool:
    secrets = endpoint.secrets
    if endpoint.format is Format.SLACK:
        secrets = (endpoint.url,)  # whoever knows the URL can post
    return any(secret.is_literal for secret in secrets)
