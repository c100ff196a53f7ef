"""What a desk works with: who asks the gateway for it, and how much may be asked."""

from dataclasses import dataclass
from typing import Protocol

from notifier.gateway import Page
from notifier.model.answer import Answer, PollError, Unauthorized
from notifier.polling.page_planner import Mode


class StatusClient(Protocol):
    """What the desk needs of the gateway door."""

    async def retrieve(self, video_id: str) -> Answer:
        """Ask for one video's status once."""

    async def list_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        """Ask once for up to `limit` videos, those that follow the id `after`."""


@dataclass(frozen=True, slots=True)
class SchedulerLimits:
    """How much may be asked of one gateway: requests a second, and at the same time.

    `poll_interval` (seconds) is what most pollers wait between two questions. `list_videos`
    tells whether many are asked about at once, see `notifier.polling.page_planner`.
    """

    requests_per_second: float
    in_flight: int
    poll_interval: float
    list_videos: Mode = "never"
