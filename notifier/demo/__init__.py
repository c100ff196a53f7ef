"""`notifier demo`: the whole thing in one process, on loopback, in under a minute.

`stage` sets up a sandbox gateway, three receivers and a daemon that are no different from real
ones; `screen` shows what happens; `play` runs it and says whether everything arrived.
"""

from notifier.demo.play import play

__all__ = ["play"]
