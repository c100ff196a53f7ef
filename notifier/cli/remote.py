"""Asking the running daemon from a command, and saying in one sentence why it would not."""

from typing import Any

from notifier.config import Config
from notifier.errors import NotifierError, TransportError
from notifier.exchange import ask_local
from notifier.store import daemon_is_running


class DaemonSilentError(NotifierError):
    """No daemon answers for a config."""


def ask_daemon(
    config: Config,
    method: str,
    path: str,
    body: object = None,
    *,
    failing_with: int = 1,
) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the daemon's answer.

    Raises DaemonSilentError when none answers, NotifierError with its own words when it
    refuses; that has the exit code `failing_with`.
    """
    try:
        reply = ask_local(config.http.socket, method, path, body)
    except TransportError as error:
        if error.kind == "connect" and not daemon_is_running(config.store_path):
            hint = "start one with: notifier run"
            raise DaemonSilentError(f"no daemon is running on {config.path}; {hint}") from None
        raise DaemonSilentError(
            f"the daemon cannot be reached at {config.http.socket}: {error.detail or error.kind}"
        ) from None
    if not reply.granted:
        refusal = NotifierError(str(reply.body.get("detail", f"HTTP {reply.status}")))
        refusal.exit_code = failing_with
        raise refusal
    return reply.body
