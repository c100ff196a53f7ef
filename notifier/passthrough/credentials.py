"""Decides whose key a request carries, and what of it the gateway gets."""

import hmac
from collections.abc import Mapping
from enum import Enum, auto
from http import HTTPStatus

from notifier.config.urls import is_credential
from notifier.passthrough.headers import RawHeaders, all_of
from notifier.passthrough.targets import RefusedError


class Caller(Enum):
    """Whose key a request carries."""

    TOKEN = auto()
    """Ours: it is exchanged for the gateway's key."""

    KEY = auto()
    """The gateway's key that is configured here."""

    ANOTHER = auto()
    """None, or one that is unknown here: pollers could not ask about its jobs."""

    ANYONE = auto()
    """Any: the gateway is configured without a key."""

    @property
    def is_known(self) -> bool:
        """Whether the request shows that the caller may use this gateway through us."""
        return self in {Caller.TOKEN, Caller.KEY}


def identify(
    received: RawHeaders,
    configured: Mapping[str, str],
    credentials: frozenset[str],
    token: str | None,
) -> Caller:
    """Return whose key a request carries.

    `configured` are the gateway's headers, `credentials` the names of those that identify a
    caller. Raises RefusedError for more than one Authorization header: servers disagree about
    which of them counts.
    """
    given = all_of(received, b"authorization")
    if len(given) > 1:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "there is more than one Authorization header")
    if token is not None and given and _same(_bearer(given[0]), token.encode()):
        return Caller.TOKEN
    if not credentials:
        return Caller.ANYONE
    for name in credentials:
        for value in all_of(received, name.encode("latin-1")):
            if _same(_folded(value), _folded(configured[name].encode("latin-1"))):
                return Caller.KEY
    return Caller.ANOTHER


def query_for(caller: Caller, of_base: str, of_request: str) -> str:
    """Return the query for the gateway: that of `base_url`, then the request's own.

    Credentials in the query of `base_url` are for callers that presented the token.
    """
    given = {pair.partition("=")[0] for pair in of_request.split("&")}
    added = [
        pair
        for pair in of_base.split("&")
        if pair
        and (name := pair.partition("=")[0]) not in given
        and (caller is Caller.TOKEN or not is_credential(name))
    ]
    return "&".join([*added, *([of_request] if of_request else [])])


def _bearer(value: bytes) -> bytes:
    scheme, _, given = value.partition(b" ")
    return given.strip() if scheme.lower() == b"bearer" else b""


def _folded(value: bytes) -> bytes:
    """Return a header's value with the scheme of a bearer key in lower case."""
    key = _bearer(value)
    return b"bearer " + key if key else value.strip()


def _same(given: bytes, wanted: bytes) -> bool:
    return hmac.compare_digest(given, wanted)
