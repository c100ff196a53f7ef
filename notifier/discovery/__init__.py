"""Discovery: finds the jobs on a gateway's list that nobody has listed here, and has them watched.

`list_walk` decides which pages to read, `job_register` which of their jobs are new. Both are pure.
`reader` reads the list at every interval through the scheduler of the gateway, and commits what it
finds. `confirmation` asks about the jobs that the list calls running at the first start.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.discovery.deps import DiscoveryDeps, DiscoveryRules
    from notifier.discovery.job_register import Bounds
    from notifier.discovery.reader import Discovery
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "job_register": ("Bounds",),
            "deps": ("DiscoveryDeps", "DiscoveryRules"),
            "reader": ("Discovery",),
        },
    )

__all__ = ["Bounds", "Discovery", "DiscoveryDeps", "DiscoveryRules"]
