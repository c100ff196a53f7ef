"""Sends requests to the running daemon; failures become one-sentence errors."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from notifier.cli.daemon_address import DaemonAddress
from notifier.errors import NotifierError, TransportError
from notifier.http_client import ask_local
from notifier.store import daemon_is_running


class DaemonUnreachableError(NotifierError):
    """No daemon answers for a config."""


def ask_daemon(address: DaemonAddress, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the answer of the daemon that runs on a config.

    Raises DaemonUnreachableError when none answers, NotifierError with the daemon's text when it
    refuses.
    """
    try:
        return ask_daemon_at(address.socket, method, path, body)
    except DaemonUnreachableError as error:
        if daemon_is_running(address.store_path):
            hint = "if [http] was changed since it started, restart it"
            raise DaemonUnreachableError(f"{error} ({hint})") from None
        hint = "start one with: notifier run"
        raise DaemonUnreachableError(f"no daemon is running on {address.path}; {hint}") from None


def ask_daemon_at(
    socket: Path, method: str, path: str, body: object = None, *, failing_with: int = 1
) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the answer of the daemon that listens at `socket`.

    Raises as `ask_daemon` does. An error about a config (422) has the exit code
    `failing_with`.
    """
    try:
        reply = ask_local(socket, method, path, body)
    except TransportError as error:
        reason = error.detail or error.kind
        raise DaemonUnreachableError(f"no daemon can be reached at {socket}: {reason}") from None
    if not reply.ok:
        refusal = NotifierError(str(reply.body.get("detail", f"HTTP {reply.status}")))
        if reply.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            refusal.exit_code = failing_with
        raise refusal
    return reply.body
