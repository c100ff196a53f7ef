"""What discovery works with: its rules, and what it needs of the scheduler and the store."""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, Protocol

import trio

from notifier.discovery.job_register import Bounds
from notifier.gateway import Page
from notifier.metrics import Metrics
from notifier.model.answer import Answer, PollError, Unauthorized
from notifier.model.discovery import DiscoveryRecord, FoundJob, Mark
from notifier.model.watch import Watch
from notifier.wakeup import Wakeup


class ListSource(Protocol):
    """What discovery needs of a gateway's scheduler."""

    @property
    def trusts_lists(self) -> bool:
        """Whether the statuses on list pages are believed."""

    async def read_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        """Ask for one page, within the gateway's budget."""

    async def ask_alone(self, video_id: str) -> Answer:
        """Ask about one video, within the gateway's budget."""


class DiscoveryStore(Protocol):
    """What discovery needs of the store; every method raises StoreError."""

    async def discovery(self, gateway: str, base_url: str) -> DiscoveryRecord:
        """Return what is stored for a gateway."""

    async def record_discovered(
        self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
    ) -> list[Watch]:
        """Commit new jobs, their watches and the mark; return the watches opened."""

    async def confirm_discovered(
        self, gateway: str, epoch: int, key: str, *, runs: bool
    ) -> list[Watch]:
        """Commit what a single answer decided about a job; return the watch if that opened it."""

    async def forget_discovered(
        self, gateway: str, mark: Mark, kept: int
    ) -> tuple[list[str], int | None]:
        """Remove a batch of old jobs; return their keys, and the floor that they are behind."""

    async def forget_earlier_discovered(self, gateway: str, epoch: int) -> int:
        """Remove a batch of the jobs of an earlier base_url; return how many."""


class DiscoveryRules(NamedTuple):
    """How to discover jobs of one gateway; `base_url` is a digest, times are in seconds."""

    gateway: str
    base_url: str
    poll_interval: float
    bounds: Bounds


class DiscoveryDeps(NamedTuple):
    """What discovery works with.

    `opened` has new watches polled. `turn` is held from their commit until then. `wall` is the
    calendar, `now` is `Clock.now`. `settled` is notified when the list was read for the first
    time.
    """

    store: DiscoveryStore
    source: ListSource
    opened: Callable[[Sequence[Watch]], None]
    turn: trio.Lock
    wall: Callable[[], float]
    now: Callable[[], float]
    rng: Random
    metrics: Metrics
    settled: Wakeup
