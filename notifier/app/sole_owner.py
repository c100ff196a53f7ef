"""The work of a daemon that has its store alone: all of it."""

import trio

from notifier.app.assembly import Parts
from notifier.app.clock_drift import track_clock_drift
from notifier.app.discoveries import Discoveries
from notifier.app.retention import run_retention
from notifier.app.watch_following import WatchFollower
from notifier.config import Config
from notifier.polling import Sources, Supervisor


class SoleOwner:
    """Does all the work, from the start to the end; see `notifier.app.share.Share`."""

    def __init__(
        self, parts: Parts, sources: Sources, supervisor: Supervisor, config: Config
    ) -> None:
        self._parts = parts
        self._config = config
        self.follower: WatchFollower = supervisor
        self.discoveries = Discoveries(parts.runtime, parts.gateways, sources, supervisor)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Discover, follow endings up, and remove what is over, for ever."""
        parts, now = self._parts, self._parts.runtime.clock.now
        async with trio.open_nursery() as nursery:
            await nursery.start(self.discoveries.run, self._config.gateways)
            await nursery.start(parts.follow_ups.run, parts.outbox.publish_follow_up)
            nursery.start_soon(run_retention, parts.store, lambda: self._config.retention, now)
            nursery.start_soon(track_clock_drift, parts.store, parts.runtime.clock)
            task_status.started()

    def change(self, config: Config) -> None:
        """Go on with another config, which the parts have already."""
        self._config = config

    async def hand_over(self) -> None:
        """Go on to the end: there is nobody to take over."""
