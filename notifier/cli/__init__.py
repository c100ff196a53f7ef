"""The command line: each command turns arguments into a call, and its result into text.

A command's module is imported when the command is used, so that `notifier secret` does not
import an HTTP client. Results go to stdout. Errors go to stderr, one sentence each.
"""

import os
import sys
from contextlib import suppress
from io import StringIO, TextIOWrapper
from pathlib import Path

import click

from notifier import __version__, early_signals
from notifier.cli.groups import LazyGroup
from notifier.cli.options import examples
from notifier.cli.output import print_errors
from notifier.config.bad_value import without_secrets
from notifier.errors import NotifierError

_COMMANDS = {
    "run": "notifier.cli.run:run_command",
    "check": "notifier.cli.check:check_command",
    "init": "notifier.cli.init:init_command",
    "demo": "notifier.cli.demo:demo_command",
    "sandbox": "notifier.cli.sandbox:sandbox_command",
    "listen": "notifier.cli.listen:listen_command",
    "watch": "notifier.cli.watch:watch_group",
    "endpoints": "notifier.cli.endpoints:endpoints_group",
    "events": "notifier.cli.events:events_group",
    "replay": "notifier.cli.events:replay_command",
    "status": "notifier.cli.status:status_command",
    "instances": "notifier.cli.instances:instances_group",
    "health": "notifier.cli.health:health_command",
    "reload": "notifier.cli.reload:reload_command",
    "install": "notifier.cli.install:install_command",
    "uninstall": "notifier.cli.install:uninstall_command",
    "backup": "notifier.cli.backup:backup_command",
    "restore": "notifier.cli.backup:restore_command",
    "store": "notifier.cli.store:store_group",
    "secret": "notifier.cli.secret:secret_command",
    "schema": "notifier.cli.schema:schema_command",
    "probe": "notifier.cli.probe:probe_command",
}


@examples("notifier demo", "notifier run -c config.toml", "notifier watch add --help")
@click.group(
    cls=LazyGroup,
    commands_by_name=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="notifier %(version)s")
def cli() -> None:
    """Webhooks for every OpenAI-compatible video gateway."""


def main() -> int:
    """Run the command line and return the command's exit code."""
    _prepare()
    return _run()


def _prepare() -> None:
    """Replace closed streams, and have characters escaped that a terminal cannot show."""
    if sys.stdin is None:  # closed by the parent process
        sys.stdin = Path(os.devnull).open()  # noqa: SIM115 - for the whole process
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the parent process
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - for the whole process
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run() -> int:
    try:
        code = cli.main(prog_name="notifier", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        with suppress(OSError):
            _print_usage_error(error)
        return error.exit_code
    except NotifierError as error:
        with suppress(OSError):  # the exit code is all that a full disk leaves
            print_errors([str(error)])
        return error.exit_code
    except OSError as error:
        return _output_failed(error)
    except BaseExceptionGroup as group:
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return early_signals.INTERRUPTED
    except (click.Abort, KeyboardInterrupt):
        return early_signals.INTERRUPTED
    return code if isinstance(code, int) else 0


def _print_usage_error(error: click.ClickException) -> None:
    """Print click's text; it repeats arguments, which may be a secret in a wrong place."""
    text = StringIO()
    error.show(text)
    click.echo(without_secrets(text.getvalue()), nl=False, err=True)


def _output_failed(error: OSError) -> int:
    """Print why output could not be written; nothing when its reader has closed the pipe."""
    # the interpreter would try to flush stdout again at exit
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        click.echo(f"notifier: {error.strerror or error}", err=True)
    return 1
