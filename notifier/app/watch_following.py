"""What follows a change of open watches: the pollers of this instance, or the owners' mail."""

from collections.abc import Callable
from typing import Protocol

from notifier import log
from notifier.model.answer import Seen
from notifier.model.lease import shard_of, watch_lease
from notifier.model.watch import Watch, WatchChanges
from notifier.polling import Supervisor
from notifier.polling.mass_loss import LOST_HINT


class WatchFollower(Protocol):
    """Is told of each change of open watches, once it is committed.

    `notifier.polling.Supervisor` is one, for who has its store alone.
    """

    def add(self, watch: Watch, said: Seen | None = None) -> None:
        """Poll a watch that was opened or changed; `said` of its video was this just now."""

    def drop(self, row: int) -> None:
        """Stop polling a watch that was withdrawn."""

    def apply_changes(self, changes: WatchChanges) -> None:
        """Make the pollers match what has changed."""

    def release(self, gateway: str) -> None:
        """Stop polling for a gateway that is no longer configured; its watches stay open."""


class MailedChanges:
    """Leaves changes to the owners of the watches' shards, which have been sent mail of them.

    `mailed` is told of the lease that there is mail for, "" if it may be for any.
    """

    def __init__(self, supervisor: Supervisor, mailed: Callable[[str], None]) -> None:
        self._supervisor = supervisor
        self._mailed = mailed

    def add(self, watch: Watch, said: Seen | None = None) -> None:  # noqa: ARG002 - see above
        """Have the owner poll a watch."""
        self._mailed(watch_lease(watch.key.gateway, shard_of(watch.row)))

    def drop(self, row: int) -> None:  # noqa: ARG002 - see above
        """Have the owner stop polling a watch."""
        self._mailed("")

    def apply_changes(self, changes: WatchChanges) -> None:
        """Have the owners follow what has changed."""
        if changes.lost_files:
            files, watches = changes.lost_files, len(changes.withdrawn)
            log.get().warning("dropins_lost", files=files, withdrawn=watches, hint=LOST_HINT)
        self._mailed("")

    def release(self, gateway: str) -> None:
        """Stop polling for a gateway, whose shards are about to be handed over."""
        pollers = self._supervisor.pollers.items()
        self._supervisor.let_go(
            [row for row, poller in pollers if poller.watch.key.gateway == gateway]
        )
