"""`notifier schema`: the JSON Schema of the config."""

from pathlib import Path

import click

from notifier.cli.options import config_option, examples
from notifier.config.schema import schema_text


@examples("notifier schema > config.schema.json")
@click.command("schema")
@config_option
def schema_command(config_path: Path | None) -> None:  # noqa: ARG001 - every command takes -c
    """Print the JSON Schema of the config file.

    It is for editors and `taplo lint`.
    """
    click.echo(schema_text(), nl=False)
