"""A gateway's desk: where all pollers of one gateway queue up to ask.

The desk keeps three promises to the gateway. It never asks faster than the budget. When the
gateway says that it is asked too much (429), nobody asks until the wait that it named is over,
and then slowly at first. And when the key is refused (401, or 403 about two different videos)
it stops everybody at once, says so in one loud line, and lets a single poller try again now
and then until the key is good; then all go on where they were. A refused key never ends a
watch.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import NamedTuple, Protocol

import trio
import trio.lowlevel

from notifier import log
from notifier.metrics import Metrics
from notifier.model.answer import Answer, Denied, Missing, Seen, Trouble, outcome_word
from notifier.pacer import Pacer, Recent
from notifier.schedule.backoff import jittered
from notifier.watching.lifecycle import LONGEST_WAIT

PROBE_INTERVAL = 60.0
"""How often a gateway that refuses the key is tried, in seconds."""

_FORBIDDEN_VIDEOS = 2
_MAX_WORDS = 100
_NOBODY_LOOKED = frozenset({"html", "empty", "broken_json"})


class Asked(NamedTuple):
    """An answer, and when (`Clock.now`) the request that it answers was made."""

    answer: Answer
    at: float


class Client(Protocol):
    """What the desk needs of the gateway door."""

    async def retrieve(self, video_id: str) -> Answer:
        """Ask for one video's status once."""


@dataclass(slots=True)
class _Pause:
    """A refused key: since when, when it is tried next, whether somebody tries, what came of it.

    `line` holds the places of the pollers that wait, the next one to try it first.
    """

    since: float
    next_probe: float
    denied: Denied
    probing: bool = False
    last_probe: float = float("-inf")
    tried: trio.Event = field(default_factory=trio.Event)
    lifted: trio.Event = field(default_factory=trio.Event)
    line: deque[object] = field(default_factory=deque)


class Desk:
    """Asks one gateway for all its pollers, with at most `in_flight` requests at a time.

    `now` is `Clock.now`.
    """

    def __init__(
        self,
        gateway: str,
        client: Client,
        requests_per_second: float,
        *,
        in_flight: int,
        now: Callable[[], float],
        rng: Random,
        metrics: Metrics | None = None,
    ) -> None:
        self._gateway = gateway
        self._client = client
        self._pacer = Pacer(requests_per_second)
        self._places = trio.CapacityLimiter(in_flight)
        self._now = now
        self._rng = rng
        self._metrics = metrics or Metrics()
        self._limited: str | None = None
        self._pause: _Pause | None = None
        self._forbidden: set[str] = set()
        self._words: set[str] = set()
        self._recent = Recent()
        self._log = log.get(gateway=gateway)
        self._metrics.gateway_paused(gateway, paused=False)

    def change(self, client: Client, requests_per_second: float) -> None:
        """Ask through `client` from now on, at another rate; a refused key is tried anew."""
        self._client = client
        self._pacer.pace(requests_per_second)
        self._words.clear()
        self._forbidden.clear()
        if self._pause is not None:
            pause, self._pause = self._pause, None
            pause.lifted.set()
            pause.tried.set()
            self._metrics.gateway_paused(self._gateway, paused=False)

    @property
    def paused(self) -> bool:
        """Whether the key is refused at present."""
        return self._pause is not None

    def rate(self) -> float:
        """Return how many requests a second were made of late."""
        return self._recent.per_second(self._now())

    async def ask(self, video_id: str, deadline: float, planned: float) -> Asked:
        """Ask for one video's status, when it is this poller's turn; `planned` is when it was.

        While the key is refused this waits; a watch that is past its `deadline` is told of
        the refusal as soon as a try after the deadline has failed.
        """
        while True:
            pause = self._pause
            asked = (
                await self._take_turn(video_id)
                if pause is None
                else await self._wait_out(pause, video_id, deadline)
            )
            if asked is not None:
                self._metrics.poll_lag(self._gateway, asked.at - planned)
                return asked

    async def _wait_out(self, pause: _Pause, video_id: str, deadline: float) -> Asked | None:
        """Wait in line while the key is refused, and try it when it is this poller's turn.

        Return what the try gave if it ended the pause, or what any try gave if the deadline is
        over; None to look again. The line is fair: videos that this key may never see must not
        keep those that it may from showing that it is good.
        """
        place = object()
        pause.line.append(place)
        try:
            while self._pause is pause and (pause.probing or pause.line[0] is not place):
                await pause.tried.wait()
                if self._pause is pause and pause.last_probe >= deadline:
                    return Asked(pause.denied, pause.last_probe)
            if self._pause is not pause:
                return None
            asked = await self._probe(pause, video_id)
        finally:
            pause.line.remove(place)
        if asked is None or (self._is_paused() and asked.at < deadline):
            return None
        return asked

    def _is_paused(self) -> bool:
        return self._pause is not None

    async def _take_turn(self, video_id: str) -> Asked | None:
        """Ask within the budget; None when the key was refused while this waited its turn.

        The place comes before the turn: turns that were handed out to those who still wait for
        a place would all be used at once when a hanging gateway comes back.
        """
        began = self._now()
        async with self._places:
            await self._pacer.turn()
            self._metrics.budget_wait(self._gateway, self._now() - began)
            return None if self._pause is not None else await self._request(video_id)

    async def _probe(self, pause: _Pause, video_id: str) -> Asked | None:
        """Try the key when it is time; None when the pause was lifted before."""
        pause.probing = True
        try:
            with trio.move_on_after(max(pause.next_probe - self._now(), 0)):
                await pause.lifted.wait()
                return None
            await self._pacer.turn()
            asked = await self._request(video_id)
            pause.last_probe = asked.at
            pause.next_probe = self._now() + jittered(PROBE_INTERVAL, self._rng)
            if isinstance(asked.answer, Denied):
                pause.denied = asked.answer
        finally:
            pause.probing = False
            pause.tried.set()
            pause.tried = trio.Event()
        return asked

    async def _request(self, video_id: str) -> Asked:
        at, client = self._now(), self._client
        self._recent.note(at)
        answer = await client.retrieve(video_id)
        self._metrics.poll(self._gateway, outcome_word(answer))
        match answer:
            case Denied() if client is not self._client:
                pass  # that was the key of before
            case Denied():
                self._refused(video_id, answer)
            case Seen():
                self._explain(answer)
                self._accepted(at)
            case Missing():
                self._accepted(at)
            case Trouble(status=HTTPStatus.TOO_MANY_REQUESTS):
                self._rest(video_id, answer.wait or 0)
            case Trouble() if _key_was_good(answer):
                self._accepted(at)
        return Asked(answer, at)

    def _refused(self, video_id: str, answer: Denied) -> None:
        if answer.status == HTTPStatus.FORBIDDEN:
            self._forbidden.add(video_id)
            if len(self._forbidden) < _FORBIDDEN_VIDEOS:
                return
        if self._pause is None:
            now = self._now()
            self._pause = _Pause(now, now + PROBE_INTERVAL, answer)
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
        self._forbidden.clear()
        if self._pause is not None and at > self._pause.since:
            self._pause = None
            self._metrics.gateway_paused(self._gateway, paused=False)
            self._log.warning("gateway_resumed", outcome="the key is accepted again")

    def _explain(self, answer: Seen) -> None:
        word = answer.snapshot.word
        if answer.snapshot.status is None and word not in self._words:
            if len(self._words) < _MAX_WORDS:
                self._words.add(word)
            self._log.warning(
                "unknown_status_word",
                word=word,
                hint="if it means an ending, say so in status_words",
            )


def _key_was_good(answer: Trouble) -> bool:
    """Tell whether an answer shows that the key was looked at and accepted."""
    return (
        answer.status is not None
        and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        and answer.status != HTTPStatus.REQUEST_TIMEOUT
        and answer.reason not in _NOBODY_LOOKED
    )
