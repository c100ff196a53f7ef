"""Watching: from a listed video to the ending that its gateway told.

`sources` says what to watch, `supervisor` keeps one `poller` per open watch alive, `desk`
asks a gateway politely on behalf of all its pollers, and `lifecycle` decides, without clock or
I/O, what an answer means for a watch. Nothing here knows how events are delivered.
"""

from notifier.polling.desk import Desk
from notifier.polling.lifecycle import WatchRules
from notifier.polling.poller import Means, Poller
from notifier.polling.readings import Readings
from notifier.polling.sources import Sources
from notifier.polling.supervisor import Supervisor
from notifier.polling.terms import DeskRules

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
