"""Sends requests to the running daemon; failures become one-sentence errors.

Every request names the config that the command was given. A daemon that runs on another config
refuses it, so that a command never acts on another project.
"""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

from notifier.cli.project import Project
from notifier.config import private_folder
from notifier.errors import NotifierError, TransportError
from notifier.http_client import ask_local
from notifier.store import daemon_is_running


class DaemonUnreachableError(NotifierError):
    """No daemon answers for a config."""


class DaemonAddress(NamedTuple):
    """Where a daemon listens, and the config that it must run on."""

    socket: Path
    config: Path


def ask_daemon(
    project: Project, method: str, path: str, body: object = None, *, failing_with: int = 1
) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the answer of the daemon of `project`.

    Raises DaemonUnreachableError when none answers, NotifierError with the daemon's text when it
    refuses. An error about a config (422) has the exit code `failing_with`.
    """
    address = DaemonAddress(project.socket, project.path)
    try:
        return ask_daemon_at(address, method, path, body, failing_with=failing_with)
    except DaemonUnreachableError as error:
        if daemon_is_running(project.store_path):
            hint = "if [http] was changed since it started, restart it"
            raise DaemonUnreachableError(f"{error} ({hint})") from None
        hint = "start one with: notifier run"
        raise DaemonUnreachableError(f"no daemon is running on {project.path}; {hint}") from None


def ask_daemon_at(
    address: DaemonAddress, method: str, path: str, body: object = None, *, failing_with: int = 1
) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the answer of the daemon that listens at `address`.

    Raises as `ask_daemon` does.
    """
    socket = address.socket
    _refuse_foreign_folder(socket.parent)
    headers = {"notifier-config": quote_from_bytes(os.fsencode(address.config))}
    try:
        reply = ask_local(socket, method, path, body, headers)
    except TransportError as error:
        reason = error.detail or error.kind
        raise DaemonUnreachableError(f"no daemon can be reached at {socket}: {reason}") from None
    if reply.status == HTTPStatus.MISDIRECTED_REQUEST:
        detail = reply.body.get("detail", "it runs on another config")
        raise NotifierError(f"another daemon listens at {socket}, and nothing was done: {detail}")
    if not reply.ok:
        refusal = NotifierError(str(reply.body.get("detail", f"HTTP {reply.status}")))
        if reply.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            refusal.exit_code = failing_with
        raise refusal
    return reply.body


def _refuse_foreign_folder(folder: Path) -> None:
    """Raise NotifierError for a folder below /tmp that another user has made."""
    if folder == private_folder() and folder.exists() and folder.lstat().st_uid != os.geteuid():
        raise NotifierError(f"{folder} belongs to another user; set [http] socket to another path")
