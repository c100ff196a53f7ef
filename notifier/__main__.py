"""The entry point of the command line; handles signals before it imports the commands."""

import sys

from notifier import early_signals


def main() -> None:
    """Run the command line and leave the process with the command's exit code."""
    early_signals.install(daemon=sys.argv[1:2] == ["run"])
    from notifier.cli import main as run  # noqa: PLC0415 - slow: signals are handled before

    try:
        early_signals.leave(run())
    except KeyboardInterrupt:  # at the command's very end, or while another one was handled
        early_signals.leave(early_signals.INTERRUPTED)


if __name__ == "__main__":
    main()
