"""Sends a request to the daemon on this machine through its Unix socket, for the commands."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx

from notifier.errors import TransportError

_TIMEOUT = 60.0


class LocalReply(NamedTuple):
    """The daemon's answer; `body` is its JSON, None where there is none."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether the daemon did what was asked."""
        return self.status < HTTPStatus.BAD_REQUEST


def ask_local(
    socket: Path,
    method: str,
    path: str,
    body: object = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> LocalReply:
    """Send one request to `socket`.

    Raises TransportError: of kind `connect` when no daemon listens there, of kind `protocol`
    when there was no whole answer.
    """
    transport = httpx.HTTPTransport(uds=str(socket))
    try:
        with httpx.Client(transport=transport, timeout=_TIMEOUT, trust_env=False) as client:
            reply = client.request(
                method, f"http://notifier{path}", json=body, headers=dict(headers)
            )
            return LocalReply(reply.status_code, reply.json() if reply.content else None)
    except httpx.ConnectError as error:
        raise TransportError("connect", str(error)) from None
    except (httpx.HTTPError, ValueError) as error:
        raise TransportError("protocol", type(error).__name__) from None
