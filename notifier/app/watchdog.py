"""Reports the daemon's health to systemd: a status line, and watchdog notifications while well.

The watchdog is notified from the event loop, while the store answers and no lane and no poller
is late. A store that refuses (a full disk, another process's lock) still answers: a restart
would not help, so the daemon waits and says so. A store call that never returns or a loop that
hangs ends the notifications, and systemd restarts the service.
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

Lanes check for work once a minute; pollers that were all stopped spread over half a minute.
"""

_STATUS_EVERY = 5.0


class WatchedStore(Protocol):
    """What the watchdog needs of the store."""

    @property
    def answered_at(self) -> float:
        """When a call last returned or raised, by trio's clock."""

    async def touch(self) -> None:
        """Write something, to find out whether the store can be written."""

    async def outstanding(self, since: float) -> Outstanding:
        """Count what is still to be done."""


@dataclass(slots=True)
class Watchdog:
    """Watches the daemon's loops and store; `lateness` is that of the latest loop, in seconds.

    `failing` counts endpoints in trouble, `paused` gateways that refuse the key, `unanswered`
    those that do not answer.
    """

    manager: ServiceManager
    store: WatchedStore
    lateness: Callable[[], float]
    failing: Callable[[], int]
    paused: Callable[[], int]
    now: Callable[[], float]
    unanswered: Callable[[], int] = lambda: 0
    trouble: str = ""
    """What the operator should know, such as a reload that failed."""

    _shown: str = ""
    _refusal: str = ""
    """Why the store could not be written at the last try."""
    _tried_at: float = 0.0
    _hanging: bool = False

    async def ready(self) -> None:
        """Report to systemd that the service is ready."""
        self._shown = await self.status()
        self.manager.ready(self._shown)

    async def run(self) -> None:
        """Keep systemd informed, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_status)
            interval = self.manager.watchdog_interval
            if interval is not None:
                self._tried_at = trio.current_time()
                nursery.start_soon(self._try_store, interval / 4)
                nursery.start_soon(self._feed, interval)

    async def _keep_status(self) -> None:
        while True:
            self._show(await self.status())
            await trio.sleep(_STATUS_EVERY)

    async def _try_store(self, pause: float) -> None:
        """Write to the store at intervals, so that a hang is noticed although no work is due."""
        while True:
            try:
                await self.store.touch()
            except StoreError as error:
                self._refusal = str(error)
            else:
                self._refusal = ""
            self._tried_at = trio.current_time()
            await trio.sleep(pause)

    async def _feed(self, interval: float) -> None:
        """Notify the watchdog; when the store hangs that ends within two intervals."""
        while True:
            answered = trio.current_time() - self.store.answered_at <= interval
            if answered and not self._is_hanging(interval):
                self.manager.feed_watchdog()
            await trio.sleep(interval / 4)

    async def status(self) -> str:
        """Return the status in one line; returns only when the store has answered."""
        try:
            left = await self.store.outstanding(self.now())
        except StoreError as error:
            return f"waiting for the store: {error}"
        if self._refusal:
            # a full disk can still be read
            return f"waiting for the store: {self._refusal}"
        counts = left.deliveries
        parts = [f"watching {left.open_watches}", f"{counts.pending} pending"]
        if counts.held:
            parts.append(f"{counts.held} held")
        for count, what, trouble in (
            (self.failing(), "endpoint", "failing"),
            (self.paused(), "gateway", "refusing the key"),
            (self.unanswered(), "gateway", "not answering"),
        ):
            if count:
                parts.append(f"{count} {what}{'' if count == 1 else 's'} {trouble}")
        if self.trouble:
            parts.append(self.trouble)
        return ", ".join(parts)

    def _show(self, status: str) -> None:
        if status != self._shown:
            self._shown = status
            self.manager.show(status)

    def _is_hanging(self, interval: float) -> bool:
        """Tell whether a loop is late for no reason that the store gives.

        Calls run one after another, and a locked store takes seconds to refuse each. So loops
        are judged only while writes to the store are prompt.
        """
        prompt = trio.current_time() - self._tried_at <= interval / 2
        hanging = prompt and not self._refusal and self.lateness() > LATE
        if hanging and not self._hanging:
            log.get().error("hanging", late_by=round(self.lateness()))
        self._hanging = hanging
        return hanging
