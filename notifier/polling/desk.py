"""A gateway's desk: where all pollers of one gateway wait for their turn to ask.

One clerk keeps the timetable and lets pollers ask when they are due, a few at a time. The desk
keeps three promises to the gateway. It never asks faster than the budget. When the gateway says
that it is asked too much (429), nobody asks until the wait that it named is over, and then
slowly at first. And when the key is refused (see `keys`) it stops everybody at once, says so in
one loud line, and lets a single poller try again now and then until the key is good; then all
go on where they were. A refused key never ends a watch.
"""

import math
from collections.abc import Callable
from http import HTTPStatus
from random import Random

import trio

from notifier import log
from notifier.bell import Bell
from notifier.gateway import Page
from notifier.metrics import Metrics
from notifier.model.answer import Denied, Seen, Trouble, outcome_word
from notifier.pacer import Pacer, Recent
from notifier.schedule.backoff import jittered
from notifier.polling.keys import PROBE_INTERVAL, KeyCheck, Pause, shows_good_key
from notifier.polling.lifecycle import LONGEST_WAIT
from notifier.polling.line import Line
from notifier.polling.lists import Lists
from notifier.polling.seat import Asked, Seat
from notifier.polling.shelf import PageRequest, Shelf
from notifier.polling.terms import Client, DeskRules
from notifier.polling.timetable import Timetable
from notifier.polling.words import StrangeWords

_TICK = 0.01  # seconds; who has a turn within one is woken together, which costs less
_OVERSLEPT = 5.0
_LONGEST_SPREAD = 30.0
_TURN = object()


class Desk:
    """Asks one gateway for all its pollers; `run` must be running. `now` is `Clock.now`."""

    def __init__(
        self,
        gateway: str,
        client: Client,
        rules: DeskRules,
        *,
        now: Callable[[], float],
        rng: Random,
        metrics: Metrics | None = None,
    ) -> None:
        self._gateway = gateway
        self._client = client
        self._rules = rules
        self._now = now
        self._rng = rng
        self._metrics = metrics or Metrics()
        self._pacer = Pacer(rules.requests_per_second)
        self._timetable = Timetable()
        self._seats: dict[str, Seat] = {}
        self._line = Line(Shelf(rules.list_videos, self._seats))
        self._lists = Lists(self._line, self._seats, self._timetable)
        self._in_flight = 0
        self._bell = Bell()
        self._wakes_at = -math.inf
        self._limited: str | None = None
        self._keys = KeyCheck()
        self._pause: Pause | None = None
        self._resumed_at = -math.inf
        self._recent = Recent()
        self._log = log.get(gateway=gateway)
        self._words = StrangeWords(self._log)
        self._metrics.gateway_paused(gateway, paused=False)

    def change(self, client: Client, rules: DeskRules) -> None:
        """Ask through `client` from now on, by other rules; a refused key is tried anew."""
        self._client = client
        self._rules = rules
        self._pacer.pace(rules.requests_per_second)
        self._words = StrangeWords(self._log)
        self._line.shelf = Shelf(rules.list_videos, self._seats)
        self._keys.accepted()
        if self._pause is not None:
            self._resume()
        self._bell.ring()

    @property
    def paused(self) -> bool:
        """Whether the key is refused at present."""
        return self._pause is not None

    def rate(self) -> float:
        """Return how many requests a second were made of late."""
        return self._recent.per_second(self._now())

    def lateness(self) -> float:
        """Return by how many seconds the clerk has missed its look; not above 0 if in time."""
        return trio.current_time() - self._wakes_at if math.isfinite(self._wakes_at) else 0.0

    async def run(self) -> None:
        """Be the clerk: let everybody ask in their turn, for ever."""
        while True:
            self._wakes_at = self._serve()
            await self._bell.wait(self._wakes_at - trio.current_time())
            if trio.current_time() - self._wakes_at > _OVERSLEPT:
                self._spread_out()

    def wait(self, seat: Seat) -> None:
        """Have a seat woken when it is due and has its turn; its task is to park there.

        An answer that comes along by itself is `Seat.hear`d from its `soonest` on. While the
        key is refused this takes until it is good; a watch that is past its deadline is told of
        the refusal as soon as a try after the deadline has failed.
        """
        if self._seats.get(seat.video_id) is not seat:
            self._seats[seat.video_id] = seat
            self._line.shelf.join(seat)
        self._timetable.add(seat)
        self._look_by(seat.due)

    async def ask(self, seat: Seat) -> Asked | None:
        """Return what a seat was woken with, or the answer that it asks for, if it has a turn.

        None if it has to park again, having had no answer, or was dismissed.
        """
        word, seat.word = seat.word, None
        if word is None or isinstance(word, Asked):
            return word
        asked = await self._ask_now(seat, word)
        if asked is not None:
            return asked
        if isinstance(word, PageRequest):
            self._line.put_first(seat)
            self._look_by(trio.current_time())
        else:
            self._line.add(seat)
        return None

    def dismiss(self, seat: Seat) -> None:
        """Let a poller that waits go; one that asks is left to it."""
        seat.wake(None)

    def leave(self, seat: Seat) -> None:
        """Forget a seat whose poller will not come back."""
        if self._seats.get(seat.video_id) is seat:
            del self._seats[seat.video_id]
            self._line.remove(seat)
            self._line.shelf.forget(seat)

    def _serve(self) -> float:
        """Have those stand in line who are due; return when to look again (trio's clock)."""
        now = trio.current_time()
        for seat in self._timetable.take_due(now):
            self._line.add(seat)
        return min(self._give_turns(now), self._timetable.next_due())

    def _give_turns(self, now: float) -> float:
        """Let those ask whose turn it is; return when the next has its turn (trio's clock)."""
        while self._line and self._in_flight < self._rules.in_flight:
            seat = self._line.first()
            if seat.task is None:
                self._line.remove(seat)  # it was stopped while it waited
                continue
            wait = 0.0 if self._pause is None else self._until_try(self._pause)
            wait = wait or self._pacer.take(now)
            if wait:
                # a turn comes at its moment, unless many come within a tick
                crowded = self._rules.requests_per_second * _TICK > 1
                return now + (max(wait, _TICK) if crowded else wait)
            self._line.remove(seat)
            self._let_ask(seat, now)
        return math.inf

    def _let_ask(self, seat: Seat, now: float) -> None:
        self._in_flight += 1
        self._metrics.poll_lag(self._gateway, now - seat.due)
        if self._pause is None:
            self._metrics.budget_wait(self._gateway, now - max(seat.due, self._resumed_at))
            page = self._line.plan(seat, now)
            seat.wake(_TURN if page is None else page)
        else:
            self._pause.trying = True
            seat.wake(self._pause)

    def _leave(self) -> None:
        """Make room for the next in line."""
        self._in_flight -= 1
        if self._line or self._pause is not None:
            self._look_by(self._give_turns(trio.current_time()))

    def _look_by(self, moment: float) -> None:
        """Have the clerk look no later than at `moment` (trio's clock)."""
        if moment < self._wakes_at:
            self._bell.ring()

    def _spread_out(self) -> None:
        """When everything was stopped for a while, do not let all rise together."""
        now = trio.current_time()
        spread = min(self._rules.poll_interval, _LONGEST_SPREAD)
        for seat in self._timetable.take_due(now):
            seat.due = now + self._rng.uniform(0, spread)
            self._timetable.add(seat)

    def _until_try(self, pause: Pause) -> float:
        """Return in how many seconds the key may be tried; infinity while it is."""
        return math.inf if pause.trying else max(pause.next_try - self._now(), 0.0)

    async def _ask_now(self, seat: Seat, word: object) -> Asked | None:
        """Ask in a turn or to try the key; None to wait in line again."""
        try:
            if isinstance(word, PageRequest):
                return await self._ask_page(seat, word)
            if self._pause is not None and word is not self._pause:
                return None  # it began after this turn was given
            asked = await self._request(seat)
            if isinstance(word, Pause) and word is self._pause:
                return self._still_refused(seat, asked, word)
            return asked
        finally:
            if isinstance(word, Pause):
                word.trying = False
            self._leave()

    def _still_refused(self, seat: Seat, asked: Asked, pause: Pause) -> Asked | None:
        """Tell those in line of a try whose watches are over."""
        pause.tried(asked.answer, asked.at, self._now() + jittered(PROBE_INTERVAL, self._rng))
        for other in self._line:
            if other.deadline <= asked.at:
                other.wake(Asked(pause.denied, asked.at))
        return asked if seat.deadline <= asked.at else None

    async def _request(self, seat: Seat) -> Asked:
        at, client, video_id = self._now(), self._client, seat.video_id
        self._recent.note(at)
        answer = await client.retrieve(video_id)
        self._metrics.poll(self._gateway, outcome_word(answer))
        self._lists.heard(seat, answer)
        if isinstance(answer, Seen) and answer.snapshot.status is None:
            self._words.explain(answer.snapshot.word)
        if isinstance(answer, Denied):
            # not if that was the key of before
            if client is self._client and self._keys.is_refused(video_id, answer):
                self._refused(answer)
        elif isinstance(answer, Trouble) and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._rest(video_id, answer.wait or 0)
        elif shows_good_key(answer):
            self._accepted(at)
        return Asked(answer, at)

    async def _ask_page(self, seat: Seat, request: PageRequest) -> Asked | None:
        """Ask for a page and hand out what it says; None if this one is not answered by it."""
        at = self._now()
        self._recent.note(at)
        page = await self._client.list_page(request.limit, request.after)
        if isinstance(page, Page):
            self._metrics.poll(self._gateway, "listed")
            self._accepted(at)
            own = self._lists.hand_out(seat, request, page, at)
            self._look_by(self._timetable.next_due())
            return own
        self._metrics.poll(self._gateway, "not_listed")
        self._log.debug("not_listed", outcome=outcome_word(page), detail=page.detail)
        if page.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._rest("", page.wait or 0)
        self._lists.fail(seat, request, page)
        return None

    def _refused(self, answer: Denied) -> None:
        if self._pause is None:
            self._pause = Pause(answer, self._now())
            self._metrics.gateway_paused(self._gateway, paused=True)
            self._log.error(
                "gateway_paused",
                outcome=f"http_{answer.status}",
                detail=answer.detail,
                hint="is api_key right? No watch is lost; one request a minute tries again",
                next_try_in=PROBE_INTERVAL,
            )

    def _rest(self, video_id: str, wait: float) -> None:
        """Leave the gateway alone, but not for one video that is limited again and again."""
        if video_id != self._limited:
            self._limited = video_id
            self._pacer.rest(min(wait, LONGEST_WAIT))

    def _accepted(self, at: float) -> None:
        """Go on, unless the request was made `at` a time when the key was not refused yet."""
        self._keys.accepted()
        if self._pause is not None and at > self._pause.since:
            self._resume()
            self._log.warning("gateway_resumed", outcome="the key is accepted again")

    def _resume(self) -> None:
        self._pause = None
        self._resumed_at = trio.current_time()
        self._metrics.gateway_paused(self._gateway, paused=False)
        self._bell.ring()
