"""Finds the project of a command: its config, store and socket, without validating the config."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from notifier.config import find_config
from notifier.config.outline import read_outline
from notifier.config.paths import StorePlace
from notifier.store import recorded_config, refuse_foreign


class Project(Protocol):
    """The parts of a config, or of its outline, that lead to its store and its daemon."""

    @property
    def path(self) -> Path:
        """Return the config file."""

    @property
    def store(self) -> StorePlace:
        """Return where the store is."""

    @property
    def store_path(self) -> Path:
        """Return the store's file, or where it would be."""

    @property
    def socket(self) -> Path:
        """Return the control API's Unix socket."""

    @property
    def gateways(self) -> Collection[str]:
        """Return the names of the gateways."""

    @property
    def endpoints(self) -> Collection[str]:
        """Return the names of the endpoints."""


def find_project(config_path: Path | None) -> Project:
    """Return the project of a config.

    Raises ConfigError without a usable config, StoreRefusedError when the store holds the state
    of another one.
    """
    outline = read_outline(find_config(config_path, os.environ), os.environ, recorded_config)
    if outline is None:
        from notifier.cli.config_loading import load_project  # noqa: PLC0415 - slow, seldom needed

        return load_project(config_path)
    refuse_foreign(outline.store_path, outline.path)
    return outline
