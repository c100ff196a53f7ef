"""The composition root: puts the parts together, runs them, and takes them down in order."""

from notifier.app.daemon import Options, Signals, run_daemon
from notifier.app.process import run_process, run_until_signal

__all__ = ["Options", "Signals", "run_daemon", "run_process", "run_until_signal"]
