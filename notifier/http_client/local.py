"""Requests to the daemon on this machine through its Unix socket.

It uses the standard library's HTTP client: commands make one request each, and importing httpx
for that would take longer than the request.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from types import MappingProxyType
from typing import Any, NamedTuple

from notifier.errors import TransportError

_TIMEOUT = 60.0


class LocalReply(NamedTuple):
    """A response; `body` is its decoded JSON, None when it has none."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether the daemon did what was asked."""
        return self.status < HTTPStatus.BAD_REQUEST


class _UnixConnection(HTTPConnection):
    """An HTTP connection through the Unix socket at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__("notifier", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket(AF_UNIX, SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(str(self._path))


def ask_local(
    path: Path,
    method: str,
    target: str,
    body: object = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> LocalReply:
    """Send one request through the socket at `path`.

    Raises TransportError: of kind `connect` when nothing listens there, else when there was no
    complete response.
    """
    connection = _UnixConnection(path)
    try:
        _connect(connection)
        return _exchange(connection, method, target, body, headers)
    except (OSError, HTTPException, ValueError) as error:
        raise TransportError("protocol", type(error).__name__) from None
    finally:
        connection.close()


def _connect(connection: _UnixConnection) -> None:
    try:
        connection.connect()
    except OSError as error:
        raise TransportError("connect", error.strerror or str(error)) from None


def _exchange(
    connection: _UnixConnection,
    method: str,
    target: str,
    body: object,
    headers: Mapping[str, str],
) -> LocalReply:
    content = None if body is None else json.dumps(body).encode()
    kind = {} if content is None else {"content-type": "application/json"}
    connection.request(method, target, content, {**kind, **headers})
    response = connection.getresponse()
    raw = response.read()
    return LocalReply(response.status, json.loads(raw) if raw else None)
