"""`notifier demo`: gateway, daemon and receivers in one process, on loopback, in under a minute.

`setup` makes the jobs of a sandbox gateway and the config of an ordinary daemon. `runner` runs
them beside three receivers and checks that every event arrived. `screen` shows it.
"""

from notifier.demo.runner import run_demo

__all__ = ["run_demo"]
