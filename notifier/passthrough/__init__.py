"""Pass-through: relays an application's requests to its gateway, and watches the jobs they make.

`relay` is the ASGI application, and `transfer` passes one request and its answer on. What they
decide is pure: `targets` where a request goes, `headers` which headers go along, `credentials`
whose key it carries, `watch_order` what it says about the watch, `job_spotting` whether an answer
is a new job. `taking` has a job watched before the answer is handed on. `deps` is what all of
this needs of the rest of the daemon.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.passthrough.deps import (
        Deps,
        JobAnswer,
        Outcome,
        Upstream,
        WatchOrder,
        WatchWishes,
    )
    from notifier.passthrough.relay import Access, Relay
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "deps": ("Deps", "JobAnswer", "Outcome", "Upstream", "WatchOrder", "WatchWishes"),
            "relay": ("Access", "Relay"),
        },
    )

__all__ = [
    "Access",
    "Deps",
    "JobAnswer",
    "Outcome",
    "Relay",
    "Upstream",
    "WatchOrder",
    "WatchWishes",
]
