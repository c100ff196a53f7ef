"""`notifier demo`: the whole thing in one process, on loopback, in under a minute.

`setup` makes up a sandbox gateway, three receivers and a daemon that are no different from real
ones; `screen` shows what happens; `run_demo` runs it and says whether everything arrived.
"""

from notifier.demo.runner import run_demo

__all__ = ["run_demo"]
