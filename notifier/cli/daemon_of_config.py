"""Asks the daemon of a config, also after the file was broken."""

import os
from pathlib import Path
from typing import Any

from notifier.cli.config_loading import load_project
from notifier.cli.daemon_client import DaemonAddress, ask_daemon, ask_daemon_at
from notifier.config import absolute_path, default_socket_path, default_store, find_config
from notifier.errors import ConfigError
from notifier.store import recorded_config


def ask_daemon_of(
    config_path: Path | None, method: str, path: str, *, failing_with: int = 1
) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the answer of the daemon of a config, even if the file was broken since it started.

    The daemon is then looked for where it listens without `[http] socket`. Raises as `ask_daemon`
    does, and ConfigError when none listens there.
    """
    try:
        project = load_project(config_path)
    except ConfigError:
        config = absolute_path(find_config(config_path, os.environ))
        store = default_store(config, os.environ, recorded_config)
        socket = default_socket_path(config, store, os.environ)
        if not socket.is_socket():
            raise
        address = DaemonAddress(socket, config)
        return ask_daemon_at(address, method, path, failing_with=failing_with)
    return ask_daemon(project, method, path, failing_with=failing_with)
