"""Finds the daemon that belongs to a config, without validating the config where possible."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from notifier.config import find_config
from notifier.config.outline import read_outline


class DaemonAddress(Protocol):
    """The parts of a config, or of its outline, that lead to its daemon."""

    @property
    def path(self) -> Path:
        """Return the config file."""

    @property
    def store_path(self) -> Path:
        """Return the store's file."""

    @property
    def socket(self) -> Path:
        """Return the control API's Unix socket."""

    @property
    def gateways(self) -> Collection[str]:
        """Return the names of the gateways."""

    @property
    def endpoints(self) -> Collection[str]:
        """Return the names of the endpoints."""


def find_address(config_path: Path | None) -> DaemonAddress:
    """Return the address of the config's daemon; raises ConfigError when there is none to find."""
    outline = read_outline(find_config(config_path, os.environ), os.environ)
    if outline is not None:
        return outline
    from notifier.cli.config_loading import load_config  # noqa: PLC0415 - slow, and seldom needed

    return load_config(config_path)
