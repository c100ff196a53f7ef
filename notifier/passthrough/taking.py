"""Has a job watched, durably, before its answer is handed on, or as soon as the store can."""

import trio

from notifier import log
from notifier.errors import ConfigError, StoreError
from notifier.passthrough.deps import Deps, JobAnswer, WatchOrder
from notifier.schedule.backoff import growing

PATIENCE = 5.0
"""How long an answer waits for the store, in seconds: a paid answer is never withheld."""

_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class Taker:
    """Takes watches; `run` must be running."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._nursery: trio.Nursery | None = None
        self._waiting = 0
        self._idle = trio.Event()
        self._idle.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep trying to take what the store has refused so far, for ever."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await trio.sleep_forever()

    async def take(self, order: WatchOrder, video_id: str, said: JobAnswer) -> str:
        """Have the job of an answer watched; return what `notifier-watch` says about it."""
        outcome: list[str] = []
        done = trio.Event()
        assert self._nursery is not None  # noqa: S101 - `run` is running
        self._nursery.start_soon(self._keep_trying, order, video_id, said, outcome, done)
        with trio.move_on_after(PATIENCE):
            await done.wait()
        return outcome[0] if outcome else "none; store"

    async def settled(self) -> None:
        """Wait until the store has taken everything."""
        await self._idle.wait()

    def _why_not(self, order: WatchOrder) -> str:
        if self._deps.upstream(order.spec.key.gateway) is None:
            return "none; gateway removed"
        return "none; not an id that can be watched"

    async def _keep_trying(
        self,
        order: WatchOrder,
        video_id: str,
        said: JobAnswer,
        outcome: list[str],
        done: trio.Event,
    ) -> None:
        logger = log.get(gateway=order.spec.key.gateway, video_id=video_id)
        if not self._waiting:
            self._idle = trio.Event()
        self._waiting += 1
        failures = 0
        try:
            while not outcome:
                news = None if failures else said  # later it is out of date
                try:
                    is_new = await self._deps.add(order, video_id, news)
                    outcome.append("added" if is_new else "known")
                except ConfigError as error:
                    logger.warning("job_not_watched", reason=str(error))
                    outcome.append(self._why_not(order))
                except StoreError as error:
                    failures += 1
                    wait = growing(_PAUSE, failures, _LONGEST_PAUSE)
                    logger.warning("job_waits_for_store", reason=str(error), wait=wait)
                    await trio.sleep(wait)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._idle.set()
            if not outcome:
                logger.error("job_not_watched", reason="the daemon ended before the store took it")
        done.set()
