"""The composition root: assembles the parts, runs them, and shuts them down in order."""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.app.daemon import Lifecycle, Options, run_daemon
    from notifier.app.process import run_process, run_until_signal
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "daemon": ("Lifecycle", "Options", "run_daemon"),
            "process": ("run_process", "run_until_signal"),
        },
    )

__all__ = ["Lifecycle", "Options", "run_daemon", "run_process", "run_until_signal"]
