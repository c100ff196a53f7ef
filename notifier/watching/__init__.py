"""Watching: from a listed video to the ending that its gateway told.

`sources` says what to watch, `supervisor` keeps one `poller` per open watch alive, `desk`
asks a gateway politely on behalf of all its pollers, and `lifecycle` decides, without clock or
I/O, what an answer means for a watch. Nothing here knows how events are delivered.
"""

from notifier.watching.desk import Desk
from notifier.watching.lifecycle import WatchRules
from notifier.watching.poller import Means, Poller
from notifier.watching.readings import Readings
from notifier.watching.sources import Sources
from notifier.watching.supervisor import Supervisor
from notifier.watching.terms import DeskRules

__all__ = [
    "Desk",
    "DeskRules",
    "Means",
    "Poller",
    "Readings",
    "Sources",
    "Supervisor",
    "WatchRules",
]
