"""All lanes together: started, woken and stopped as one."""

from collections.abc import Sequence

import trio

from notifier.delivery.lane import Lane


class Dispatcher:
    """Runs one lane per endpoint; all are added before it is run."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    def add(self, endpoint: str, lane: Lane) -> None:
        """Have `lane` deliver to `endpoint`."""
        self._lanes[endpoint] = lane

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until `stop`; returns when everything in flight has been recorded."""
        async with trio.open_nursery() as nursery:
            for lane in self._lanes.values():
                nursery.start_soon(lane.run)
            task_status.started()

    def wake(self, endpoints: Sequence[str]) -> None:
        """Hint to the lanes of `endpoints` that something may be due."""
        for name in endpoints:
            self._lanes[name].wake()

    def stop(self) -> None:
        """Let every lane finish what it has in flight and take on nothing more."""
        for lane in self._lanes.values():
            lane.stop()
