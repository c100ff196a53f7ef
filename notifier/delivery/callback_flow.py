"""Flow control of callbacks: each host name in turn, within limits that all callbacks share."""

import math
from http import HTTPStatus
from random import Random
from typing import Protocol

import trio

from notifier import log
from notifier.delivery.attempt import OUR_TROUBLE, FinishedAttempt
from notifier.delivery.callback_limits import CallbackAttempt, CallbackLimits
from notifier.delivery.lane import Claimed
from notifier.delivery.peer_state import PAUSE, Answer, Standing
from notifier.delivery.until_stored import until_stored
from notifier.errors import DeferredError, StoreError
from notifier.model.delivery import CallbackDemand, Claim
from notifier.net import Admission
from notifier.schedule.clock import Clock

_MOST_CLAIMED = 64


class CallbackAttempts(Protocol):
    """Makes attempts (`notifier.delivery.attempt.AttemptRunner`)."""

    async def attempt(self, claim: Claim, admission: Admission) -> FinishedAttempt:
        """Make one attempt with what `admission` grants; raises DeferredError."""


class CallbackStore(Protocol):
    """The part of the store from which due callbacks are claimed."""

    async def claim_callbacks(self, endpoint: str, demand: CallbackDemand) -> list[Claim]:
        """Claim due callbacks, one for each host name; they are in flight from then on."""

    async def next_callback(self, endpoint: str) -> float | None:
        """Return when callbacks are to be claimed next."""

    async def defer(self, claim: Claim, until: float) -> None:
        """Take a claim back; its host name is not looked at before `until` (Unix seconds)."""


class CallbackFlow:
    """Claims the callbacks that are signed as for one endpoint, as far as `limits` allow."""

    def __init__(
        self,
        lane: str,
        runner: CallbackAttempts,
        store: CallbackStore,
        limits: CallbackLimits,
        *,
        clock: Clock,
        rng: Random,
    ) -> None:
        self._lane = lane
        self._runner = runner
        self._store = store
        self._limits = limits
        self._clock = clock
        self._rng = rng
        self._started: dict[int, CallbackAttempt] = {}
        self._log = log.get(endpoint=lane)

    async def claim(self, in_flight: int, most: int) -> Claimed:  # noqa: ARG002 - limits count
        """Claim callbacks for attempts now, at most `most`."""
        async with self._limits.claiming:
            demand = self._demand(most)
            if not demand.limit:
                return Claimed((), PAUSE)
            claims = await self._store.claim_callbacks(self._lane, demand)
            for claim in claims:
                self._started[claim.delivery] = self._limits.start(self._lane, claim.host or "")
        return Claimed(claims, await self._pause(demand))

    async def _pause(self, demand: CallbackDemand) -> float:
        """Return the seconds until the next look; what was claimed is begun whatever happens."""
        if demand.only is not None:
            return PAUSE
        try:
            at = await self._store.next_callback(self._lane)
        except StoreError:
            return PAUSE
        return math.inf if at is None else at - self._clock.now()

    def _demand(self, most: int) -> CallbackDemand:
        now = self._clock.now()
        waits = self._limits.held(self._lane, trio.current_time())
        held = {host: now + wait for host, wait in waits.items()}
        limit = min(most, _MOST_CLAIMED)
        room = self._limits.attempts.room(Standing.FRESH)
        if room:
            return CallbackDemand(min(limit, room), held)
        room = self._limits.attempts.room(Standing.PROVEN)
        return CallbackDemand(min(limit, room), held, self._limits.proven(self._lane))

    def next(self, in_flight: int) -> Claim | None:  # noqa: ARG002 - nothing is claimed ahead
        """Return None: the limits are asked again for each callback."""
        return None

    def has_room(self, in_flight: int) -> bool:  # noqa: ARG002 - the store knows whose turn it is
        """Return False: host names are served in turn."""
        return False

    def hold(self, claim: Claim) -> None:
        """Raise ValueError: callbacks are claimed by their host names."""
        raise ValueError(claim.endpoint)

    @property
    def holds_claims(self) -> bool:
        """False: nothing is claimed ahead."""
        return False

    async def release(self) -> None:
        """Do nothing: nothing is claimed ahead."""

    async def attempt(self, claim: Claim) -> FinishedAttempt | None:
        """Make one attempt; return None if it was deferred, which costs no retry."""
        admission = self._started.pop(claim.delivery)
        try:
            finished = await self._runner.attempt(claim, admission)
            if finished.attempt.outcome != OUR_TROUBLE:
                admission.note(_answer(finished))
        except DeferredError as error:
            self._log.debug("callback_deferred", event_id=claim.event_id, reason=str(error))
            until = self._clock.now() + error.wait
            await until_stored(
                lambda: self._store.defer(claim, until), self._log, claim.event_id, self._rng
            )
            return None
        else:
            return finished
        finally:
            admission.close()


def _answer(finished: FinishedAttempt) -> Answer:
    status = finished.attempt.status
    if status is None:
        return Answer(came=False, is_good=False)
    busy = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    return Answer(came=True, is_good=not busy, retry_after=finished.result.retry_after)
