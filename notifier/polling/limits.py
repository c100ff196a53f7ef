"""How much may be asked of one gateway."""

from dataclasses import dataclass

from notifier.polling.page_planner import Mode


@dataclass(frozen=True, slots=True)
class SchedulerLimits:
    """The limits of one gateway: requests a second, and requests in flight.

    `poll_interval` (seconds) is the usual wait of a poller between two requests. `list_videos`
    says whether list pages are used, see `notifier.polling.page_planner`.
    """

    requests_per_second: float
    in_flight: int
    poll_interval: float
    list_videos: Mode = "never"
