"""How much of a store's work this process does: all of it, or the share of one instance."""

from typing import Protocol

import trio

from notifier.app.discoveries import Discoveries
from notifier.app.watch_following import WatchFollower
from notifier.config import Config


class Share(Protocol):
    """The work of this process beside its API: `sole_owner` does all, `cluster_member` a part."""

    @property
    def follower(self) -> WatchFollower:
        """What follows each change of open watches."""

    @property
    def discoveries(self) -> Discoveries:
        """Discovery, as far as it is done here."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Work until cancelled; started once the first work has begun."""

    def change(self, config: Config) -> None:
        """Go on with another config, which the parts have already."""

    async def hand_over(self) -> None:
        """Give the work to whoever may go on with it, in bounded time."""
