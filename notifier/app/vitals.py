"""The daemon's pulse: a status line for systemd, and food for its watchdog while all is well.

The watchdog is fed from the event loop, after the store has answered, and only while no lane
and no poller is late. A store that refuses (a full disk) is alive: a restart would not help, so
the daemon waits and says so. A store call that never comes back, or a loop that hangs, is what
the watchdog is for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.store.store import Outstanding
from notifier.systemd import ServiceManager

LATE = 180.0
"""How late, in seconds, a lane or a poller may be before it counts as hanging.

Lanes look around once a minute; pollers that were all stopped spread out over half a minute.
"""

_LOOK_EVERY = 5.0


class CountingStore(Protocol):
    """What the pulse needs of the store."""

    async def outstanding(self, since: float) -> Outstanding:
        """Count what is still to be done."""


@dataclass(slots=True)
class Vitals:
    """Looks after the daemon; `lateness` tells how late the latest loop is, in seconds.

    `failing` counts endpoints in trouble, `paused` gateways that refuse the key.
    """

    manager: ServiceManager
    store: CountingStore
    lateness: Callable[[], float]
    failing: Callable[[], int]
    paused: Callable[[], int]
    now: Callable[[], float]
    trouble: str = ""
    """What the operator should know of, such as a reload that failed."""

    _shown: str = ""
    _hanging: bool = False

    async def ready(self) -> None:
        """Say that the service does its work."""
        self._shown = await self.status()
        self.manager.ready(self._shown)

    async def run(self) -> None:
        """Look, tell systemd, and look again, for ever."""
        interval = self.manager.watchdog_interval
        pause = _LOOK_EVERY if interval is None else min(interval / 3, _LOOK_EVERY)
        while True:
            self._show(await self.status())
            if not self._is_hanging():
                self.manager.feed_watchdog()
            await trio.sleep(pause)

    async def status(self) -> str:
        """Return how everything stands, in one line; returns only when the store has answered."""
        try:
            left = await self.store.outstanding(self.now())
        except StoreError as error:
            return f"waiting for the store: {error}"
        counts = left.deliveries
        parts = [f"watching {left.open_watches}", f"{counts.pending} pending"]
        if counts.held:
            parts.append(f"{counts.held} held")
        for count, what in ((self.failing(), "endpoint"), (self.paused(), "gateway")):
            if count:
                trouble = "failing" if what == "endpoint" else "refusing the key"
                parts.append(f"{count} {what}{'' if count == 1 else 's'} {trouble}")
        if self.trouble:
            parts.append(self.trouble)
        return ", ".join(parts)

    def _show(self, status: str) -> None:
        if status != self._shown:
            self._shown = status
            self.manager.show(status)

    def _is_hanging(self) -> bool:
        hanging = self.lateness() > LATE
        if hanging and not self._hanging:
            log.get().error("hanging", late_by=round(self.lateness()))
        self._hanging = hanging
        return hanging
