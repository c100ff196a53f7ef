"""The listening sockets of the control API: opened at the start, closed at the end."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from notifier import log
from notifier.app import wiring
from notifier.config import HttpSettings, is_loopback
from notifier.control import (
    Guard,
    Operations,
    SocketRefusedError,
    build_api,
    listen_tcp,
    listen_unix,
    remove_unix,
)
from notifier.http_server.asgi_server import AsgiServer
from notifier.http_server.connection_limit import ConnectionLimit
from notifier.page import Page

_OUR_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ControlListener:
    """A listening socket, and what a request on it must present: a token, an accepted Host."""

    sock: socket.socket
    token: Callable[[], str] | None = None
    hosts: frozenset[str] | None = None


@contextmanager
def open_listeners(settings: HttpSettings) -> Iterator[Sequence[ControlListener]]:
    """Listen where the config says; raises SocketRefusedError.

    Without a configured path the daemon runs without its Unix socket when that cannot be opened:
    delivering matters more than the control API.
    """
    listeners: list[ControlListener] = []
    path: Path | None = None
    try:
        try:
            listeners.append(ControlListener(listen_unix(settings.socket, settings.socket_group)))
            path = settings.socket
        except SocketRefusedError as error:
            if settings.socket_named or settings.socket_group:
                raise
            log.get().warning(
                "control_unavailable", reason=str(error), hint="set [http] socket to another path"
            )
        if settings.listen is not None:
            listeners.append(_tcp(settings, *settings.listen))
        yield listeners
    finally:
        for listener in listeners:
            listener.sock.close()
        if path is not None:
            remove_unix(path)


def token_of(settings: HttpSettings) -> Callable[[], str] | None:
    """Return what reads the control API's token, None when it has none."""
    secret = settings.token
    return None if secret is None else lambda: wiring.reveal(secret)


def _tcp(settings: HttpSettings, host: str, port: int) -> ControlListener:
    token = token_of(settings)
    # beyond loopback the token protects it, and clients may know the host by any name
    return ControlListener(listen_tcp(host, port), token, accepted_hosts(host))


def accepted_hosts(host: str) -> frozenset[str] | None:
    """Return the names that a Host header may have; None is any, for addresses off loopback."""
    return frozenset({host.lower(), *_OUR_NAMES}) if is_loopback(host) else None


async def serve_listeners(
    listeners: Sequence[ControlListener],
    operations: Operations,
    page: Page,
    config: Path,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve control API and page of the daemon that runs on `config`, until cancelled."""
    app = build_api(operations, page.routes)
    limit = ConnectionLimit.of_process()
    async with trio.open_nursery() as nursery:
        for listener in listeners:
            is_tcp = listener.sock.family != socket.AF_UNIX
            browsers = page.access if is_tcp else None
            guard = Guard(app, listener.token, listener.hosts, config, browsers)
            await nursery.start(AsgiServer(guard, listener.sock, limit).run)
            page_at = {"page": page_address(listener.sock)} if is_tcp else {}
            log.get().info("listening", at=_address(listener.sock), **page_at)
        task_status.started()


def _address(sock: socket.socket) -> str:
    name = sock.getsockname()
    return str(name) if sock.family == socket.AF_UNIX else f"{name[0]} port {name[1]}"


def page_address(sock: socket.socket) -> str:
    """Return where a browser on this machine finds the page."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared alone
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
