"""`notifier check`: whether this config is good and its secrets are there."""

from pathlib import Path

import click

from notifier.cli.config_loading import load_with_secrets, print_warnings
from notifier.cli.options import config_option, examples
from notifier.config.dropin_folder import Folder
from notifier.config.templates import check_templates
from notifier.errors import ConfigError
from notifier.store.access import require_driver


@examples("notifier check", "notifier check -c /etc/notifier/config.toml")
@click.command("check")
@config_option
def check_command(config_path: Path | None) -> int:
    """Validate the config, its drop-ins, its secrets and its templates.

    The network is not touched.
    """
    config = load_with_secrets(config_path)
    print_warnings(config)
    require_driver(config.store)
    if problems := check_templates(config):
        raise ConfigError(problems)
    contents = Folder(config).scan()
    if contents.problems:
        raise ConfigError(list(contents.problems))
    watches = {spec.key for spec in config.listing.specs}
    watches |= {spec.key for listing in contents.listings for spec in listing.specs}
    click.echo(
        f"{config.path}: good. Gateways: {', '.join(config.gateways)}. "
        f"Endpoints: {', '.join(config.endpoints) or 'none'}. Watches listed: {len(watches)}."
    )
    return 0
