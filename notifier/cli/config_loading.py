"""Finds and loads the config for a command; errors become those of the command line.

What validates is named through its package, which imports it when it is used.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from notifier import config as configuration
from notifier.cli.output import print_warning
from notifier.config import Config, find_config
from notifier.config.findings import key_path
from notifier.errors import ConfigError, NotifierError
from notifier.formats.service import Signing
from notifier.formats.table import SERVICES
from notifier.model.watch import WatchSpec
from notifier.signing import decode_secret
from notifier.store import recorded_config, refuse_foreign


def load_config(config_path: Path | None) -> Config:
    """Find and read the config; raises ConfigError with every problem found."""
    return configuration.load(find_config(config_path, os.environ), os.environ, recorded_config)


def load_project(config_path: Path | None) -> Config:
    """Find and load the config of a command that acts on its store or its daemon.

    Raises ConfigError, and StoreRefusedError when the store holds the state of another config.
    """
    config = load_config(config_path)
    refuse_foreign(config.store_path, config.path)
    return config


def load_with_secrets(config_path: Path | None, *needed: str) -> Config:
    """Read the config and its secrets; raises ConfigError.

    With one table `needed` (such as "endpoints", "app"), secrets of others may be missing.
    """
    config = load_config(config_path)
    table = key_path(needed) if needed else ""
    problems = [each for each in configuration.obstacles(config) if each.key.startswith(table)]
    if problems:
        raise ConfigError(problems)
    return config


def keys_from_config(config_path: Path | None) -> list[bytes]:
    """Return the signing keys of all endpoints; none when no config was named and none found.

    Raises NotifierError when the config, or a signing secret in it, is not usable.
    """
    try:
        path = find_config(config_path, os.environ)
    except ConfigError:
        return []
    endpoints = [
        each
        for each in configuration.load(path, os.environ).endpoints.values()
        if SERVICES[each.format].signing is not Signing.OWN
    ]
    try:
        return [decode_secret(s.reveal()) for endpoint in endpoints for s in endpoint.secrets]
    except ValueError as error:
        raise NotifierError(f"{path}: a signing secret cannot be used: {error}") from None


def checked_watch(entry: Mapping[str, object], config: Config) -> WatchSpec:
    """Return the watch that arguments describe; errors in them are usage errors."""
    try:
        return configuration.check_watch(entry, config)
    except ConfigError as error:
        # the error is in an argument: there is no file to name
        texts = [str(replace(each, where=each.key, key="")) for each in error.problems]
        raise click.UsageError("; ".join(texts)) from None


def print_warnings(config: Config) -> None:
    """Print the warnings about a config on stderr."""
    for warning in configuration.warnings(config):
        print_warning(str(warning))
