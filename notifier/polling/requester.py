"""Makes the requests to one gateway, and records what their answers say about it.

An answer says something about its video, which is for the poller, and about its gateway: whether
it is well, limits requests, refuses the key, or has a list that lags behind.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import trio

from notifier.gateway import Page
from notifier.http_client import Outcome
from notifier.metrics import Metrics
from notifier.model.answer import SEEN, Answer, PollError, Seen, Unauthorized, outcome_word
from notifier.model.video import Snapshot
from notifier.polling.auth import AuthMonitor, KeyVerdict, key_verdict
from notifier.polling.gateway_health import GatewayHealth, is_limited
from notifier.polling.generic_not_found import GenericNotFound
from notifier.polling.list_comparisons import ListComparisons
from notifier.polling.page_applier import SLOW, PageApplier
from notifier.polling.page_listener import PageListener
from notifier.polling.page_range import PageRequest
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.polling.rest import GatewayRest
from notifier.polling.unknown_status import UnknownStatusLog
from notifier.rate_limiter import RateLimiter, RequestRate

_PATIENCE = 2.0
"""How long a page may take at least, in seconds, unless the poll interval is shorter."""

_TIMES_SINGLE = 3
"""A page may take this many times as long as a single answer usually does."""


class StatusClient(Protocol):
    """What is needed of the gateway client."""

    async def retrieve(self, video_id: str) -> Answer:
        """Ask for one video's status once."""

    def start(self, video_id: str, done: Callable[[Outcome], None]) -> bool:
        """Ask for one video's status without a task; see `GatewayClient.start`."""

    def read_outcome(self, video_id: str, outcome: Outcome) -> Answer | None:
        """Return what came of it; None if `retrieve` is to be used."""

    async def list_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        """Ask once for up to `limit` videos, those that follow the id `after`."""


class RequesterDeps(NamedTuple):
    """What a requester works with.

    `hurry` makes the parked slots due at once for which its argument is true, and asks about them
    alone. `stop_lists` ends the use of list pages.
    """

    gateway: str
    now: Callable[[], float]
    metrics: Metrics
    log: Any
    slots: Mapping[str, PollSlot]
    limiter: RateLimiter
    pages: PageApplier
    hurry: Callable[[Callable[[PollSlot], bool]], None]
    stop_lists: Callable[[], None]


class Requester:
    """Asks through `client`, about videos alone or for pages."""

    def __init__(self, client: StatusClient, poll_interval: float, deps: RequesterDeps) -> None:
        self._deps = deps
        self.rate = RequestRate()
        self.auth = AuthMonitor(deps.gateway, deps.metrics, deps.log)
        self.health = GatewayHealth(deps.now())
        self._generic = GenericNotFound()
        self.rest = GatewayRest(deps.limiter, deps.now, deps.log)
        self._usual_time: float | None = None
        self._listener: PageListener | None = None
        self.lists = ListComparisons(deps.log, deps.hurry, deps.stop_lists)
        self._use(client, poll_interval)

    def change(self, client: StatusClient, poll_interval: float) -> None:
        """Ask through another client from now on: its key and its lists are judged anew."""
        self._use(client, poll_interval)
        if self.auth.reset(self._deps.slots.values(), self._deps.now()):
            self.health.record_resumed(self._deps.now())
        self._deps.hurry(_is_refused)

    def listen(self, listener: PageListener | None) -> None:
        """Tell `listener` every list page that the pollers read, None to tell nobody."""
        self._listener = listener

    def remove(self, slot: PollSlot) -> None:
        """Forget a slot whose watch is over."""
        self.auth.remove(slot)
        self._generic.remove(slot.video_id)

    @property
    def client(self) -> StatusClient:
        """What requests are made through at present."""
        return self._client

    def _use(self, client: StatusClient, poll_interval: float) -> None:
        self._client = client
        self._interval = poll_interval
        self._unknown_statuses = UnknownStatusLog(self._deps.log)
        self.lists.begin(poll_interval)

    async def alone(self, slot: PollSlot) -> PollResult:
        """Ask about one video."""
        client, at = self._client, self._deps.now()
        self.rate.note(at)
        return self.record(slot, await client.retrieve(slot.video_id), at, client)

    def record(
        self, slot: PollSlot, answer: Answer, at: float, client: StatusClient
    ) -> PollResult:
        """Record what an answer about one video says, which was asked for `at` a time."""
        deps, now = self._deps, self._deps.now()
        usual = self._usual_time
        self._usual_time = now - at if usual is None else usual + (now - at - usual) / 8
        same_key = client is self._client  # else it was asked with the key of before
        if isinstance(answer, Seen):
            deps.metrics.poll(deps.gateway, SEEN)
            self._generic.record_seen(slot.video_id, at)
            self.lists.compare_with_page_before(slot, answer, at)
            deps.pages.record_single(slot, answer, at)
            if same_key:
                self._record_key_accepted(slot, at)
            self.health.record_answered(now)
            if self._record_ended(slot, answer.snapshot, now) and slot.listed_as_ended:
                self.lists.trust.record_shown_end()
        else:
            answer = self._generic.judged(slot.video_id, answer, at, len(deps.slots))
            deps.metrics.poll(deps.gateway, outcome_word(answer))
            deps.pages.record_single(slot, answer, at)
            if same_key:
                self._judge_key(slot, answer, at)
            self.health.record(answer, now)
            if is_limited(answer):
                self.rest.begin(slot.video_id, answer.wait or 0)
        return PollResult(answer, at)

    def record_passing(self, slot: PollSlot, asked: PollResult) -> None:
        """Record a single answer that somebody else asked for."""
        self._deps.pages.record_single(slot, asked.answer, asked.at)
        if isinstance(asked.answer, Seen):
            self._record_ended(slot, asked.answer.snapshot, asked.at)

    def _record_ended(self, slot: PollSlot, snapshot: Snapshot, now: float) -> bool:
        """Record what an unknown status or an end says; return whether the video has ended."""
        if snapshot.status is None:
            self._unknown_statuses.report(snapshot.word)
        ended = snapshot.ended
        if ended:
            self.lists.record_end(slot.video_id, now)
        return ended

    def _judge_key(self, slot: PollSlot, answer: Answer, at: float) -> None:
        match key_verdict(answer):
            case KeyVerdict.REFUSED if isinstance(answer, Unauthorized):
                self.auth.record_refusal(slot, answer, at, len(self._deps.slots))
            case KeyVerdict.ACCEPTED:
                self._record_key_accepted(slot, at)

    def _record_key_accepted(self, slot: PollSlot, at: float) -> None:
        was_refused = _is_refused(slot)
        if self.auth.record_accepted(slot, at):
            self.health.record_resumed(self._deps.now())
        elif not was_refused:
            return  # nearly always
        # what made this one readable again may hold for others as well
        self._deps.hurry(_is_refused)

    def record_accepted(self, at: float) -> None:
        """Record that the key was accepted for a request about no single video.

        It was made `at` a time (`Clock.now`).
        """
        if self.auth.record_accepted(None, at):
            self.health.record_resumed(self._deps.now())
            self._deps.hurry(_is_refused)

    def carrier(self, slot: PollSlot, request: PageRequest) -> PollSlot:
        """Return which slot asks for a page: the stalest when it is also asked about alone."""
        if not self.lists.trust.wants_sample(self._deps.now()):
            return slot
        parked = (each for each in request.expected if each.task is not None)
        return min(parked, key=lambda each: each.single_at, default=slot)

    async def page(
        self, slot: PollSlot, request: PageRequest, waiting: float
    ) -> PollResult | None:
        """Ask for a page and apply it; return the answer for `slot`, None if it has none.

        `waiting` is how many seconds asking about each video alone would take.
        """
        deps, sample = self._deps, None
        if self.lists.trust.wants_sample(deps.now()):
            sample = await self._sample(slot, request)
            if self._is_over(sample) or request.released:
                deps.pages.reject(slot, request, alone=not self.lists.trust.trusted)
                return sample
            await deps.limiter.acquire()
        at, client = deps.now(), self._client
        page = await self._list_page(request, waiting)
        if not isinstance(page, Page):
            deps.metrics.poll(deps.gateway, "not_listed")
            deps.log.debug("not_listed", outcome=outcome_word(page), detail=page.detail)
            deps.pages.fail(slot, request, page)
            return sample
        self.record_page(page, at)
        if self._listener is not None and client is self._client:
            self._listener.page_was_read(request.after, page)
        if self.lists.is_contradicted(slot, page, at, sample) or not self.lists.trust.trusted:
            deps.pages.reject(slot, request, alone=True)
            return sample
        deps.pages.longest_unasked = self.lists.trust.longest_unasked(len(deps.slots))
        own = deps.pages.apply(slot, request, page, at, sampled=sample is not None)
        return own if sample is None else sample

    def record_page(self, page: Page, at: float, *, proves_key: bool = True) -> None:
        """Record that a page came, which was asked for `at` a time (`Clock.now`).

        `proves_key` says that it counts as an answer about the watched videos on it.
        """
        self._deps.metrics.poll(self._deps.gateway, "listed")
        self.health.record_answered(self._deps.now())
        slots = self._deps.slots
        if proves_key and any(video_id in slots for video_id in page.ids):
            self.record_accepted(at)

    async def _sample(self, slot: PollSlot, request: PageRequest) -> PollResult:
        """Ask about one video alone; if that takes long, others wait no longer for the page."""
        self.lists.trust.record_sample(self._deps.now())

        async def release() -> None:
            await trio.sleep(self._patience())
            request.released = True
            self._deps.pages.reject(slot, request, alone=False)
            self._deps.hurry(lambda _: False)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(release)
            sample = await self.alone(slot)
            nursery.cancel_scope.cancel()
        return sample

    def _is_over(self, sample: PollResult) -> bool:
        """Return whether no page can be compared with a sample, or none may be asked for."""
        ended = isinstance(sample.answer, Seen) and sample.answer.snapshot.ended
        return ended or self.auth.pause is not None or not self.lists.trust.trusted

    def _patience(self) -> float:
        """Return for how many seconds videos may wait for a page, instead of being asked alone."""
        return max(min(_PATIENCE, self._interval / 2), _TIMES_SINGLE * (self._usual_time or 0.0))

    async def _list_page(
        self, request: PageRequest, waiting: float
    ) -> Page | Unauthorized | PollError:
        """Ask for a page, for as long as that is quicker than asking about each video alone."""
        patience = max(self._patience(), waiting)
        self.rate.note(self._deps.now())
        with trio.move_on_after(patience):
            return await self._client.list_page(request.limit, request.after)
        return PollError(SLOW, f"the list was not there after {patience:.1f} s")


def _is_refused(slot: PollSlot) -> bool:
    return slot.refused_at > -math.inf
