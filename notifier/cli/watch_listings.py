"""The watches that files list: the config and its drop-ins."""

from pathlib import Path

import click

from notifier.config import Config
from notifier.config.dropin_folder import Folder
from notifier.model.watch import Listing


def file_of(config: Config, source: str) -> Path:
    """Return the file that is the `source` of watches."""
    return config.path if source == config.listing.source else config.watch_dir / source


def all_listings(config: Config) -> list[Listing]:
    """Return the listings of all usable files; print a warning for each that is not."""
    contents = Folder(config).scan()
    for problem in contents.problems:
        click.secho(f"notifier: warning: {problem}", fg="yellow", err=True)
    return [config.listing, *contents.listings]
