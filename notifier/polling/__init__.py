"""Watching: from a listed video to the ending that its gateway told.

`sources` says what to watch, `supervisor` keeps one `poller` per open watch alive, `scheduler`
asks a gateway politely on behalf of all its pollers, and `lifecycle` decides, without clock or
I/O, what an answer means for a watch. Nothing here knows how events are delivered.
"""

from notifier.polling.lifecycle import WatchRules
from notifier.polling.limits import SchedulerLimits
from notifier.polling.poller import Poller, PollerDeps
from notifier.polling.scheduler import GatewayScheduler
from notifier.polling.snapshot_writer import SnapshotWriter
from notifier.polling.sources import Sources
from notifier.polling.supervisor import Supervisor

__all__ = [
    "GatewayScheduler",
    "Poller",
    "PollerDeps",
    "SchedulerLimits",
    "SnapshotWriter",
    "Sources",
    "Supervisor",
    "WatchRules",
]
