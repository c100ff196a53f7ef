"""Asking a daemon on this machine through its Unix socket, for commands that run beside it."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from notifier.errors import TransportError

_PATIENCE = 60.0


class LocalReply(NamedTuple):
    """An answer; `body` is the JSON in it, None where there is none."""

    status: int
    body: Any

    @property
    def granted(self) -> bool:
        """Whether what was asked for was done."""
        return self.status < HTTPStatus.BAD_REQUEST


def ask_local(socket: Path, method: str, path: str, body: object = None) -> LocalReply:
    """Make one request at `socket`.

    Raises TransportError: of kind `connect` when nobody listens there, else when there was no
    whole answer.
    """
    transport = httpx.HTTPTransport(uds=str(socket))
    try:
        with httpx.Client(transport=transport, timeout=_PATIENCE, trust_env=False) as client:
            reply = client.request(method, f"http://notifier{path}", json=body)
            return LocalReply(reply.status_code, reply.json() if reply.content else None)
    except httpx.ConnectError as error:
        raise TransportError("connect", str(error)) from None
    except (httpx.HTTPError, ValueError) as error:
        raise TransportError("protocol", type(error).__name__) from None
