"""The supervisor: one supervised poller task per open watch.

It gets the list of open watches and makes the running pollers match. New watches get a poller,
withdrawn ones lose theirs, and changed ones keep their poller, its schedule and its request in
flight. A poller that crashes is restarted alone, with growing waits; the others go on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.model.answer import Seen
from notifier.model.watch import Watch, WatchChanges
from notifier.polling.mass_loss import LOST_HINT
from notifier.polling.poller import Poller
from notifier.schedule.backoff import growing, jittered
from notifier.wakeup import Wakeup

_RESTART = 1.0
_LONGEST_RESTART = 45.0
_CALM = 600.0
_SOON = 0.25
"""The part of the usual spread for watches of another instance: nobody asked for a lease time."""


class Supervisor:
    """Keeps pollers running in `nursery`.

    `make` builds the poller of a watch, None when its gateway is not configured. `spread` returns
    over how many seconds the first polls of a gateway's known watches are spread at the start.
    `settled` is notified when a watch is no longer polled.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        make: Callable[[Watch], Poller | None],
        *,
        spread: Callable[[Watch], float],
        rng: Random,
        settled: Wakeup,
    ) -> None:
        self._nursery = nursery
        self._make = make
        self._spread = spread
        self._rng = rng
        self._settled = settled
        self._pollers: dict[int, Poller] = {}
        self._orphans: dict[int, Watch] = {}
        self._crashes: dict[Poller, tuple[int, float]] = {}
        """How often a poller crashed without a calm time between, and when it did last."""
        self._log = log.get()

    @property
    def orphans(self) -> int:
        """How many open watches cannot be polled, because their gateway is not configured."""
        return len(self._orphans)

    def apply(self, watches: Sequence[Watch], *, starting: bool = False) -> None:
        """Make the pollers match the open `watches`.

        New watches are polled at once. Only when `starting`, the watches that an earlier process
        took are spread out.
        """
        rows = {watch.row for watch in watches}
        for row in [row for row in self._pollers if row not in rows]:
            self._stop(row)
        self._orphans = {row: orphan for row, orphan in self._orphans.items() if row in rows}
        for watch in watches:
            if watch.row in self._pollers:
                self._pollers[watch.row].watch = watch
            else:
                known = starting and not watch.fresh
                self._start(watch, share=1.0 if known else 0.0)

    def apply_changes(self, changes: WatchChanges) -> None:
        """Make the pollers match what has changed, and try again to poll orphans."""
        if changes.lost_files:
            files, watches = changes.lost_files, len(changes.withdrawn)
            self._log.warning("dropins_lost", files=files, withdrawn=watches, hint=LOST_HINT)
        for row in changes.withdrawn:
            self._drop(row, reported=bool(changes.lost_files))
        changed = {watch.row: watch for watch in (*changes.opened, *changes.updated)}
        for watch in (self._orphans | changed).values():
            if watch.row in self._pollers:
                self._pollers[watch.row].watch = watch
            else:
                self._start(watch)

    def add(self, watch: Watch, said: Seen | None = None) -> None:
        """Start polling one more open watch, or give one that is polled its new settings.

        What was `said` about its video just now takes the place of the first poll.
        """
        if watch.row in self._pollers:
            self._pollers[watch.row].watch = watch
        else:
            self._start(watch, said=said)

    def take_over(self, watches: Iterable[Watch]) -> None:
        """Start polling watches that another instance polled, their first polls spread a little.

        They have waited for as long as it took to find out that it is gone.
        """
        for watch in watches:
            if watch.row in self._pollers:
                self._pollers[watch.row].watch = watch
            else:
                self._start(watch, share=_SOON)

    def let_go(self, rows: Iterable[int]) -> None:
        """Stop polling watches that stay open: another instance polls them, or may."""
        for row in rows:
            self._orphans.pop(row, None)
            poller = self._pollers.pop(row, None)
            if poller is not None:
                poller.stop()
        self._settled.notify()

    def drop(self, row: int) -> None:
        """Stop polling a watch that was withdrawn."""
        self._drop(row)

    def _drop(self, row: int, *, reported: bool = False) -> None:
        self._orphans.pop(row, None)
        if row in self._pollers:
            self._stop(row, reported=reported)

    @property
    def polling(self) -> int:
        """How many watches have a poller."""
        return len(self._pollers)

    @property
    def pollers(self) -> Mapping[int, Poller]:
        """The pollers by the row of their watch; it changes with every step of the event loop."""
        return self._pollers

    def release(self, gateway: str) -> None:
        """Stop polling for a gateway that is no longer configured; its watches stay open."""
        for row, poller in list(self._pollers.items()):
            if poller.watch.key.gateway == gateway:
                del self._pollers[row]
                poller.stop()
                self._orphan(poller.watch)
        self._settled.notify()

    def _stop(self, row: int, *, reported: bool = False) -> None:
        poller = self._pollers.pop(row)
        poller.stop()
        key = poller.watch.key
        if not reported:
            self._log.info("withdrawn", gateway=key.gateway, video_id=key.video_id)
        self._settled.notify()

    def _orphan(self, watch: Watch) -> None:
        known = watch.row in self._orphans
        self._orphans[watch.row] = watch
        key = watch.key
        if not known:
            self._log.warning(
                "watch_without_gateway",
                gateway=key.gateway,
                video_id=key.video_id,
                hint="it stays open; configure its gateway again, or remove the watch",
            )

    def _start(self, watch: Watch, *, share: float = 0.0, said: Seen | None = None) -> None:
        """Start a poller, with its first poll within a share of its gateway's interval."""
        poller = self._make(watch)
        if poller is None:
            self._orphan(watch)
            return
        self._orphans.pop(watch.row, None)
        self._pollers[watch.row] = poller
        if said is None:
            poller.begin(self._rng.uniform(0, share * self._spread(watch)) if share else 0.0)
        else:
            poller.begin_with(said)
        # one name for all: 100,000 texts would cost memory
        self._nursery.start_soon(self._supervise, poller, name="poller")

    async def _supervise(self, poller: Poller) -> None:
        """Run one poller to its end, and restart it after crashes.

        It has few local variables, since each takes memory for each watch: twice, for trio keeps
        the frame object as well.
        """
        while True:
            try:
                await poller.run()
            except Exception as crash:  # noqa: BLE001 - a poller's bug must not stop others
                self._crashed(poller, crash)
            else:
                break
        self._ended(poller)

    def _ended(self, poller: Poller) -> None:
        self._crashes.pop(poller, None)
        # `_stop` may have removed it first, and the watch may even be listed anew
        if self._pollers.get(poller.watch.row) is poller:
            del self._pollers[poller.watch.row]
        self._settled.notify()

    def _crashed(self, poller: Poller, crash: Exception) -> None:
        """Record a crash, and have the poller begin again after a while."""
        now = trio.current_time()
        crashes, crashed_at = self._crashes.get(poller, (0, now))
        crashes = 1 if now - crashed_at > _CALM else crashes + 1
        self._crashes[poller] = crashes, now
        delay = jittered(growing(_RESTART, crashes, _LONGEST_RESTART), self._rng)
        poller.begin(delay)
        self._report(poller, crash, crashes, delay)

    def _report(self, poller: Poller, crash: Exception, crashes: int, delay: float) -> None:
        key = poller.watch.key
        fields: dict[str, object] = {
            "gateway": key.gateway,
            "video_id": key.video_id,
            "crashes": crashes,
            "restart_in": round(delay, 1),
        }
        if isinstance(crash, StoreError):
            self._log.error("poller_waits_for_store", reason=str(crash), **fields)
        else:
            self._log.exception("poller_crashed", **fields)
