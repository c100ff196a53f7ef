"""Checks of URLs, so that no request fails later because of a malformed one."""

import ipaddress
import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

from notifier.config.bad_value import BadValueError

_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBERS = re.compile(r"[0-9.]+")
_CREDENTIAL = re.compile(r"key|token|secret|sig|auth|pass|credential|^code$", re.IGNORECASE)
_LONGEST = 8192
_LONGEST_HOST = 253
_ABSOLUTE = "must be an absolute http or https URL"
_GATEWAY_SAMPLE = "such as https://gateway.example/v1"
_RECEIVER_SAMPLE = "such as https://receiver.example/webhooks"
_PREFIX_SAMPLE = "such as https://files.example/videos"
_STORE_SAMPLE = "such as postgresql://user:password@db.example/notifier"
_PROXY_SAMPLE = "such as http://user:password@proxy.example:3128"


def check_base_url(value: object) -> str:
    """Return a gateway's base URL, its query included and without slashes at the path's end.

    Raises BadValueError.
    """
    parts = _split(value, _GATEWAY_SAMPLE, "send credentials with api_key or headers")
    if "#" in str(value):
        raise BadValueError("must not have a fragment", "what follows # is never sent")
    return parts._replace(path=parts.path.rstrip("/")).geturl()


def check_endpoint_url(value: object) -> str:
    """Return an endpoint's URL as it is; raises BadValueError."""
    parts = _split(value, _RECEIVER_SAMPLE, "send credentials with headers")
    if parts.fragment:
        raise BadValueError("must not have a fragment", "what follows # is never sent")
    return str(value)


def check_url_prefix(value: object) -> str:
    """Return the URL below which files are shown, without slashes at its end.

    Raises BadValueError.
    """
    parts = _split(value, _PREFIX_SAMPLE, "it is sent to receivers as it is")
    if parts.query or parts.fragment:
        raise BadValueError("must have nothing behind its path", _PREFIX_SAMPLE)
    return str(value).rstrip("/")


def check_proxy_url(value: object) -> str:
    """Return a proxy's URL as it is, credentials included; raises BadValueError."""
    if isinstance(value, str) and value.lower().startswith("socks"):
        raise BadValueError("must be an http or https proxy", "SOCKS is not supported")
    if not isinstance(value, str):
        raise BadValueError("must be text", _PROXY_SAMPLE)
    scheme, separator, rest = value.partition("://")
    authority = rest.rpartition("@")[2]
    parts = _split(f"{scheme}{separator}{authority}", _PROXY_SAMPLE, _PROXY_SAMPLE)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise BadValueError("must have nothing behind host and port", _PROXY_SAMPLE)
    if not _CHARACTERS.fullmatch(value):
        raise BadValueError("must be ASCII", "percent-encode what is special in a password")
    return value


def check_store_url(value: object) -> str:
    """Return the URL of a PostgreSQL database as it is; raises BadValueError.

    It is libpq's: several hosts are allowed. What else is in it, the driver checks.
    """
    if not isinstance(value, str):
        raise BadValueError("must be text", _STORE_SAMPLE)
    scheme, separator, rest = value.partition("://")
    if scheme.startswith("postgresql+"):
        raise BadValueError("must name no driver", f"{_STORE_SAMPLE}, without {scheme[10:]}")
    if scheme not in {"postgresql", "postgres"} or not separator or not rest:
        raise BadValueError("must be the URL of a PostgreSQL database", _STORE_SAMPLE)
    if not _CHARACTERS.fullmatch(value):
        raise BadValueError("must be ASCII", "percent-encode what is special in a password")
    return value


def shown_store_url(url: str) -> str:
    """Return where a database is, without user, password and options."""
    authority, slash, name = url.partition("://")[2].partition("?")[0].partition("/")
    return f"postgresql://{authority.rpartition('@')[2]}{slash}{name}"


def _split(value: object, sample: str, instead_of_userinfo: str) -> SplitResult:
    if not isinstance(value, str):
        raise BadValueError("must be text", sample)
    if not value:
        raise BadValueError("is empty", sample)
    # urlsplit drops newlines and tabs without a word, so look at the characters first
    if len(value) > _LONGEST or not _CHARACTERS.fullmatch(value):
        raise BadValueError(
            "must be a URL without spaces and of ASCII characters only",
            "percent-encode others; write other hosts in punycode (xn--...)",
        )
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise BadValueError("has a host or port that cannot be", sample) from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise BadValueError(_ABSOLUTE, sample)
    if "@" in parts.netloc:
        raise BadValueError("must not hold a user name or password", instead_of_userinfo)
    if port == 0 or not _is_host(parts.hostname or ""):
        raise BadValueError("has a host or port that cannot be", sample)
    return parts


def _is_host(host: str) -> bool:
    if _address(host) is not None:
        return True
    if _NUMBERS.fullmatch(host):
        return False  # a mistyped address: no name consists of numbers alone
    labels = host.removesuffix(".").split(".")
    return len(host) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def literal_address(url: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the literal address in a checked `url`, None when its host is a name."""
    # with a dot behind it, an address is still one to some resolvers and proxies
    return _address((urlsplit(url).hostname or "").removesuffix("."))


def is_sent_unencrypted(url: str) -> bool:
    """Return whether requests to a checked `url` cross the network unencrypted."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    address = _address(host)
    local = address.is_loopback if address else host.split(".")[-1] == "localhost"
    return parts.scheme == "http" and not local


def is_loopback(host: str) -> bool:
    """Return whether `host` is reachable from this machine only."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def is_credential(name: str) -> bool:
    """Return whether a query parameter of this name looks like one that holds a credential."""
    return _CREDENTIAL.search(name) is not None


def query_credentials(url: str) -> list[str]:
    """Return the values in the query of a checked `url` that look like credentials."""
    return [value for name, value in parse_qsl(urlsplit(url).query) if is_credential(name)]
