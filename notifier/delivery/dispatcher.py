"""Starts, wakes and stops the lanes of all endpoints."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import trio

from notifier.delivery.lane import Lane
from notifier.model.delivery import Claim


class Reservation:
    """Lanes that each have room for one new delivery."""

    def __init__(self, lanes: Mapping[str, Lane]) -> None:
        self._lanes = lanes

    @property
    def endpoints(self) -> Collection[str]:
        """The endpoints of these lanes."""
        return self._lanes.keys()

    def hand(self, claims: Mapping[str, Claim]) -> None:
        """Give each lane its claim; a lane without one has room for another delivery again."""
        for name, lane in self._lanes.items():
            lane.hand(claims.get(name))


class Dispatcher:
    """Runs one lane per endpoint; lanes may be added and removed while it runs.

    `wake_elsewhere` is called with each endpoint to wake whose lane is not here.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._over: dict[Lane, trio.Event] = {}
        self._nursery: trio.Nursery | None = None
        self._stopped = trio.Event()
        self.wake_elsewhere: Callable[[str], None] = lambda _: None

    def add(self, endpoint: str, lane: Lane) -> None:
        """Deliver to `endpoint` through `lane`."""
        self._lanes[endpoint] = lane
        if self._nursery is not None:
            self._start(self._nursery, lane)

    def _start(self, nursery: trio.Nursery, lane: Lane) -> None:
        self._over[lane] = trio.Event()
        nursery.start_soon(self._run, lane)

    async def _run(self, lane: Lane) -> None:
        try:
            await lane.run()
        finally:
            self._over.pop(lane).set()

    def remove(self, endpoint: str) -> None:
        """Claim nothing more for `endpoint`; attempts in flight are finished and recorded."""
        self._lanes.pop(endpoint).stop()

    async def retire(self, endpoint: str) -> None:
        """Claim nothing more for `endpoint`; return when what was in flight is recorded."""
        over = self._over.get(self._lanes[endpoint])
        self.remove(endpoint)
        if over is not None:
            await over.wait()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until `stop`; returns when everything in flight has been recorded."""
        async with trio.open_nursery() as nursery:
            for lane in self._lanes.values():
                self._start(nursery, lane)
            self._nursery = nursery
            task_status.started()
            try:
                await self._stopped.wait()
            finally:
                self._nursery = None  # what is added from now on is not run

    def lateness(self) -> float:
        """Return how late the latest lane is, in seconds; 0 or less if no lane is late."""
        return max((lane.lateness() for lane in self._lanes.values()), default=0.0)

    def wake(self, endpoints: Sequence[str]) -> None:
        """Hint to the lanes of `endpoints` that something may be due."""
        for name in endpoints:
            if name in self._lanes:
                self._lanes[name].wake()
            else:
                self.wake_elsewhere(name)

    def reserve(self, endpoints: Iterable[str]) -> Reservation:
        """Make room in those lanes that can take a new delivery; `hand` must follow."""
        lanes = {name: self._lanes[name] for name in endpoints if name in self._lanes}
        return Reservation({name: lane for name, lane in lanes.items() if lane.reserve()})

    def stop(self) -> None:
        """Stop every lane: attempts in flight are finished, nothing more is claimed."""
        self._stopped.set()
        for lane in self._lanes.values():
            lane.stop()
