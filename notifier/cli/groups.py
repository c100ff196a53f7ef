"""Command groups that import a command's module when the command is asked for."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from notifier import early_signals
from notifier.config.bad_value import quoted


class SuggestingGroup(click.Group):
    """A group that answers an unknown command with the nearest one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the group's own options; an unknown one may be an option of a command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.possibilities:
                raise
            hint = "options stand behind the command, as in: notifier status -c FILE"
            raise click.UsageError(f"{error.format_message().rstrip('.')}; {hint}", ctx) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` start with; an unknown one has a "did you mean"."""
        name = args[0]
        known = self.list_commands(ctx)
        if name in known or name.startswith("-"):
            return super().resolve_command(ctx, args)
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        shown = f" {quoted(name)}" if quoted(name) else ""
        raise click.UsageError(f"there is no command{shown} ({hint})", ctx)


class LazyGroup(SuggestingGroup):
    """A group of the commands in `commands_by_name`: `module:attribute` by the command's name."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - passed on to click
        commands_by_name: Mapping[str, str],
        **kwargs: Any,  # noqa: ANN401 - the same
    ) -> None:
        super().__init__(*args, **kwargs)
        self._targets = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(self._targets)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import and return a command, None for an unknown name."""
        if cmd_name not in self._targets:
            return None
        module, _, name = self._targets[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the tables are ours
        # another kind of group is imported together with its commands
        if not isinstance(command, LazyGroup):
            early_signals.restore()
        return command
