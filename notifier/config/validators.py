"""Checks of single values, beyond their type.

Each check takes one value and returns it, normalized where that is harmless, or raises
BadValueError. A value that is sent over HTTP is checked for that, so that no request fails on it
later.
"""

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from notifier.config.bad_value import BadValueError, did_you_mean
from notifier.model.event import EventType, subscribes
from notifier.model.status import fold_word
from notifier.model.watch import MAX_VIDEO_ID
from notifier.signing import SecretFormatError, decode_secret
from notifier.texts.cleaning import REPLACEMENT

MAX_METADATA = 4096
"""Most bytes a watch's metadata may take as JSON."""

LONGEST_NAME = 64

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VISIBLE = re.compile(r"[!-~]+")
_VISIBLE_WITH_SPACES = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_OWN_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_MEDIA_TYPE = re.compile(r"[a-zA-Z0-9!#$&^_.+-]+/[a-zA-Z0-9!#$&^_.+-]+( ?;[ -~]{1,100})?")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_MAX_PORT = 65_535
_LONGEST_PORT = 5
_MIN_TOKEN = 16
_SUGGESTED = (*EventType, "video.*", "notifier.*", "endpoint.*")


def check_name(value: str) -> str:
    """Check the name of a gateway, an endpoint or an instance."""
    if not _NAME.fullmatch(value):
        raise BadValueError(
            "must be a name of 1 to 64 letters, digits, `_`, `.` and `-`",
            "it starts with a letter or a digit",
        )
    return value


def check_api_key(value: str) -> str:
    """Check a key that is sent as a bearer token."""
    if not _VISIBLE.fullmatch(value):
        has_scheme = value.lower().startswith("bearer ")
        hint = "leave `Bearer` out: notifier adds it" if has_scheme else ""
        raise BadValueError("must be printable ASCII without spaces", hint)
    return value


def check_signing_secret(value: str) -> str:
    """Check a `whsec_` secret."""
    try:
        decode_secret(value)
    except SecretFormatError as error:
        raise BadValueError(str(error), "`notifier secret` makes one") from None
    return value


def check_own_secret(value: str) -> str:
    """Check a secret that a chat service made."""
    if not _VISIBLE.fullmatch(value):
        raise BadValueError("must be printable ASCII without spaces")
    return value


def check_content_type(value: object) -> str:
    """Check a media type, which may have parameters."""
    if not isinstance(value, str):
        raise BadValueError("must be text", 'such as "text/plain; charset=utf-8"')
    if not _MEDIA_TYPE.fullmatch(value):
        raise BadValueError("must be a media type", 'such as "text/plain; charset=utf-8"')
    return value


def check_header_name(value: str) -> str:
    """Return a header's name in lower case; the daemon's own headers are refused."""
    name = value.lower()
    if not _TOKEN.fullmatch(name):
        raise BadValueError("must be the name of an HTTP header")
    if name in _OWN_HEADERS or name.startswith("webhook-"):
        raise BadValueError("is a header that notifier sets itself", "remove it")
    return name


def check_header_value(value: str) -> str:
    """Check a header's value: one line of printable ASCII, which every HTTP peer accepts."""
    if not _VISIBLE_WITH_SPACES.fullmatch(value):
        raise BadValueError("must be one line of printable ASCII, without spaces around it")
    return value


def check_status_word(value: str) -> str:
    """Return a gateway's word for a status in its folded form."""
    word = fold_word(value)
    if not word or not word.isprintable():
        raise BadValueError("must be a word that a gateway uses as a status")
    return word


def check_event_pattern(value: object) -> str:
    """Check a pattern of event types: one that can never match is a mistake."""
    if not isinstance(value, str):
        raise BadValueError("must be text", 'such as "video.*" or "video.failed"')
    if any(subscribes((value,), each) for each in EventType):
        return value
    known = ", ".join(EventType)
    hint = did_you_mean(value, _SUGGESTED) or f"event types are {known}"
    raise BadValueError("matches no event type", hint, quotable=True)


def check_video_id(value: object) -> str:
    """Check a video's id: opaque, but printable and usable in a URL."""
    if not isinstance(value, str):
        raise BadValueError("must be text")
    if not (value.isprintable() and 1 <= len(value) <= MAX_VIDEO_ID):
        raise BadValueError(f"must be 1 to {MAX_VIDEO_ID} printable characters")
    if REPLACEMENT in value:
        # texts of gateways have it in place of what cannot be shown: the id itself is lost
        raise BadValueError("must not hold U+FFFD, which stands for characters that were lost")
    if value in {".", ".."}:
        raise BadValueError("must not be `.` or `..`", "a URL cannot hold them")
    if value == "-":
        raise BadValueError("must not be `-`", "`notifier watch add -` reads ids from stdin")
    return value


def check_metadata(value: Mapping[str, str]) -> Mapping[str, str]:
    """Check that a watch's metadata is at most `MAX_METADATA` bytes as JSON."""
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_METADATA:
        raise BadValueError(f"must take at most {MAX_METADATA} bytes as JSON")
    return value


def check_network(value: object) -> IPv4Network | IPv6Network:
    """Return a range of addresses."""
    try:
        return ip_network(str(value) if isinstance(value, str) else b"")
    except ValueError:
        sample = 'such as "10.1.0.0/16" or "10.1.2.3"'
        raise BadValueError("must be a range of addresses", sample) from None


def check_path(value: object) -> str:
    """Check the name of a file or folder."""
    if not isinstance(value, str):
        raise BadValueError("must be text")
    if not (value and value.isprintable()):
        raise BadValueError("must be a path")
    refuse_tilde(value)
    return value


def refuse_tilde(path: str) -> None:
    """Raise BadValueError for a path that only a shell would understand."""
    if path.startswith("~"):
        raise BadValueError(
            "must not start with `~`", "write the whole path: only shells expand it"
        )


def check_listen(value: object) -> str:
    """Return HOST:PORT, with an IPv6 address in brackets."""
    if not isinstance(value, str):
        raise BadValueError('must be text such as "127.0.0.1:8787"')
    host, port = split_listen(value)
    if not host or not _HOST.fullmatch(host) or not 0 <= port <= _MAX_PORT:
        raise BadValueError('must be HOST:PORT, such as "127.0.0.1:8787" or "[::1]:8787"')
    return value


def split_listen(text: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT; the port is -1 where there is none."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return "", -1
    return host, int(port) if port.isascii() and port.isdigit() and len(
        port
    ) <= _LONGEST_PORT else -1


def check_token(value: str) -> str:
    """Check a token of the control API: printable ASCII of at least 16 characters."""
    if not _VISIBLE.fullmatch(value):
        raise BadValueError("must be printable ASCII without spaces")
    if len(value) < _MIN_TOKEN:
        raise BadValueError(f"must have at least {_MIN_TOKEN} characters", "openssl rand -hex 32")
    return value
