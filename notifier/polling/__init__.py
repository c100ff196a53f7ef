"""Polling: from a listed video to the terminal state that its gateway reports.

`sources` reads which videos to watch. `supervisor` keeps one `poller` per open watch running.
`scheduler` makes the requests of all pollers of one gateway within its budget. `lifecycle`
decides, without clock or I/O, what an answer means for a watch. Nothing here knows how events
are delivered.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.polling.lifecycle import PollRules
    from notifier.polling.limits import SchedulerLimits
    from notifier.polling.open_videos import OpenVideos
    from notifier.polling.poller import Poller, PollerDeps
    from notifier.polling.scheduler import GatewayScheduler
    from notifier.polling.snapshot_writer import SnapshotWriter
    from notifier.polling.sources import Sources
    from notifier.polling.supervisor import Supervisor
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "lifecycle": ("PollRules",),
            "limits": ("SchedulerLimits",),
            "open_videos": ("OpenVideos",),
            "poller": ("Poller", "PollerDeps"),
            "scheduler": ("GatewayScheduler",),
            "snapshot_writer": ("SnapshotWriter",),
            "sources": ("Sources",),
            "supervisor": ("Supervisor",),
        },
    )

__all__ = [
    "GatewayScheduler",
    "OpenVideos",
    "PollRules",
    "Poller",
    "PollerDeps",
    "SchedulerLimits",
    "SnapshotWriter",
    "Sources",
    "Supervisor",
]
