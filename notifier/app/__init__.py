"""The composition root: assembles the parts, runs them, and shuts them down in order."""

from notifier.app.daemon import Lifecycle, Options, run_daemon
from notifier.app.process import run_process, run_until_signal

__all__ = ["Lifecycle", "Options", "run_daemon", "run_process", "run_until_signal"]
