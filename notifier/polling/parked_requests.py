"""Makes requests on behalf of parked pollers, whose tasks sleep on unless they have to decide."""

from collections.abc import Callable
from functools import partial

import trio

from notifier.http_client import Outcome
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.polling.requester import Requester, StatusClient

ALONE = object()
"""What a slot is woken with to ask about its video alone."""


class ParkedRequests:
    """Asks through `requester`, about videos alone.

    `wait` is called with a slot that waits on, `done` with the moment (trio's clock) after each
    request that ended here.
    """

    def __init__(
        self,
        requester: Requester,
        *,
        wait: Callable[[PollSlot], None],
        done: Callable[[float], None],
    ) -> None:
        self._requester = requester
        self._wait = wait
        self._done = done

    def start(self, slot: PollSlot, at: float) -> bool:
        """Ask about a slot's video while its task sleeps on; False if that takes the task.

        `at` is the time now, by `Clock.now`.
        """
        client = self._requester.client
        started = client.start(slot.video_id, partial(self._answered, slot, at, client))
        if started:
            slot.hold()
            self._requester.rate.note(at)
        return started

    def _answered(self, slot: PollSlot, at: float, client: StatusClient, outcome: Outcome) -> None:
        handed_over, now = False, trio.current_time()
        try:
            handed_over = self._apply(slot, outcome, at, client, now)
        finally:
            if not handed_over:
                self._done(now)

    def _apply(
        self, slot: PollSlot, outcome: Outcome, at: float, client: StatusClient, now: float
    ) -> bool:
        """Apply an answer; wake the slot's task with it if it has to decide.

        Return whether the task is to make the request instead.
        """
        try:
            said = client.read_outcome(slot.video_id, outcome)
            asked = None if said is None else self._requester.record(slot, said, at, client)
            if not slot.release():
                return False  # its task was cancelled
            if asked is None:
                slot.wake(ALONE)
                return True
            self._pass_on(slot, asked, now)
        except Exception as error:  # noqa: BLE001 - it is raised in the task of this slot alone
            slot.release()
            slot.wake(error)
        return False

    def _pass_on(self, slot: PollSlot, asked: PollResult, now: float) -> None:
        if slot.accept(asked.answer, asked.at, now, counts=asked.was_due):
            self._wait(slot)
        else:
            slot.wake(asked)
