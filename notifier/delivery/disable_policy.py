"""Decides when an endpoint has failed for so long that it is disabled.

Pure functions: an endpoint's health and the result of one attempt give its health afterwards.
"""

from collections.abc import Sequence
from dataclasses import replace

from notifier.model.health import Health

DAY = 24 * 3600.0

DISABLED_AFTER = 5 * DAY
"""An endpoint that has failed for this long without a success is disabled, in seconds."""

_FORGOTTEN_AFTER = 2 * DAY


def after_failure(health: Health, now: float, schedule: Sequence[float]) -> Health:
    """Return the health after an attempt that failed at `now` (Unix seconds).

    A run of failures is over when no failure was added to it for longer than any retry waits.
    With one event a month, two single failures are not a month of failing.
    """
    since = health.failing_since
    forgotten = max(_FORGOTTEN_AFTER, 2 * max(schedule))
    if since is None or health.last_failure is None or now - health.last_failure > forgotten:
        since = now
    return replace(health, failing_since=since, last_failure=now)


def after_success(health: Health) -> Health:
    """Return the health after an attempt that was received."""
    return Health(health.url_mark)


def is_hopeless(health: Health) -> bool:
    """Return whether the endpoint has failed for so long that it is to be disabled."""
    if health.failing_since is None or health.last_failure is None:
        return False
    return health.last_failure - health.failing_since >= DISABLED_AFTER
