"""Reads the list of one gateway at every interval, and has the new jobs on it watched.

The head of the list that pollers read anyway counts as a look, so that discovery asks only when
nobody else does. What a page brings is committed page by page, with the mark. A walk that breaks
off begins again at the next look and takes nothing twice.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import trio

from notifier import log
from notifier.config.bad_value import BadValueError
from notifier.config.validators import check_video_id
from notifier.discovery.confirmation import Confirmation
from notifier.discovery.deps import DiscoveryDeps, DiscoveryRules
from notifier.discovery.job_register import Findings, JobRegister
from notifier.discovery.list_health import (
    LONGEST_WAIT,
    Failure,
    ListHealth,
    is_refusal,
    refuses_anchor,
)
from notifier.discovery.list_walk import ListPage, ListWalk
from notifier.errors import StoreError
from notifier.gateway import ListedVideo, Page
from notifier.model.answer import PollError
from notifier.model.condition import DiscoveryCondition
from notifier.model.discovery import Mark
from notifier.model.watch import Watch
from notifier.schedule.backoff import growing, jittered
from notifier.wakeup import Wakeup

KEPT = 20_000
"""How many known jobs are kept: twice of what one walk can see."""

_SLACK = 5_000
_BATCH = 500
"""The most jobs that one transaction records."""

_LIMITS = (100, 20)
"""How many jobs to ask for per page; the second if a gateway refuses the first."""

_TRIES, _FIRST_WAIT, _LONGEST_WAIT = 5, 1.0, 30.0
_STORE_PAUSE = 5.0
_MOST_REFUSED = 3
"""When further pages are refused in so many walks in a row, the list is taken to have none."""
_TOO_MANY = frozenset({400, 413, 422})


class Discovery:
    """Discovers the jobs of one gateway; `run` must be running."""

    def __init__(self, rules: DiscoveryRules, deps: DiscoveryDeps) -> None:
        self._rules = rules
        self._deps = deps
        self._log = log.get(gateway=rules.gateway)
        self._health = ListHealth(self._log, deps.now())
        self._register: JobRegister | None = None
        self._confirmation: Confirmation | None = None
        self._limits = list(_LIMITS)
        self._passing: Page | None = None
        self._wakeup = Wakeup()
        self._found = self._refused_walks = 0
        self._whole_at = deps.now()

    def change(self, rules: DiscoveryRules) -> None:
        """Use other `rules` from now on, for the same base_url."""
        self._rules = rules
        self._wakeup.notify()

    def page_was_read(self, after: str | None, page: Page) -> None:
        """Take note of a page that the pollers have read."""
        mark = None if self._register is None else self._register.mark
        if after is None and mark is not None and not mark.tail:
            self._passing = page
            self._wakeup.notify()

    def condition(self) -> DiscoveryCondition:
        """Return how discovery is doing."""
        register = self._register
        unconfirmed = 0 if register is None else len(register.unconfirmed)
        return self._health.condition(self._found, unconfirmed)

    @property
    def has_settled(self) -> bool:
        """Whether the list was read once, and the jobs that ran then were asked about."""
        asked = self._confirmation is not None and self._confirmation.has_asked_all
        return self._health.has_been_read and asked

    async def run(self) -> None:
        """Look at the list at every interval, for ever."""
        register = self._register = await self._load()
        deps, gateway = self._deps, self._rules.gateway

        async def decided(key: str, *, runs: bool) -> None:
            async with self._opening() as opened:
                epoch = register.mark.epoch
                opened.extend(await deps.store.confirm_discovered(gateway, epoch, key, runs=runs))

        self._confirmation = confirmation = Confirmation(
            register.unconfirmed, deps.source.ask_alone, decided, deps.settled, self._log
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(confirmation.run, self._pace)
            await self._look_for_ever(register, confirmation)

    def _pace(self) -> tuple[float, float]:
        return self._rules.poll_interval, self._rules.bounds.give_up_after

    async def _load(self) -> JobRegister:
        while True:
            try:
                store, rules = self._deps.store, self._rules
                record = await store.discovery(rules.gateway, rules.base_url)
                while await store.forget_earlier_discovered(rules.gateway, record.mark.epoch):
                    await trio.lowlevel.checkpoint()
            except StoreError as error:
                self._log.error("discovery_waits_for_store", reason=str(error))
                await trio.sleep(_STORE_PAUSE)
            else:
                return JobRegister(record)

    async def _look_for_ever(self, register: JobRegister, confirmation: Confirmation) -> None:
        while True:
            try:
                wait = await self._look(register)
                await self._forget_old(register)
            except StoreError as error:
                self._log.error("discovery_waits_for_store", reason=str(error))
                wait = _STORE_PAUSE
            confirmation.wake()
            self._deps.settled.notify()
            await self._wakeup.wait(wait)

    async def _look(self, register: JobRegister) -> float:
        """Walk over the list once; return in how many seconds to do so again."""
        begins = not register.mark.has_baseline
        whole = begins or self._deps.now() >= self._whole_at
        walk = register.begin_walk(self._deps.wall(), self._rules.bounds, whole=whole)
        try:
            failure = await self._read_pages(register, walk)
        finally:
            if whole:
                # so a list on which new jobs may be anywhere takes twice the requests at most
                self._whole_at = self._deps.now() + walk.pages * self._rules.poll_interval
        if failure is not None:
            return self._health.record_failure(
                failure, self._rules.poll_interval, self._deps.now()
            )
        if walk.is_complete:
            self._refused_walks = 0
        self._report_end(register, walk, begins=begins)
        self._health.record_read(self._deps.now())
        return self._rules.poll_interval

    async def _read_pages(self, register: JobRegister, walk: ListWalk) -> Failure | None:
        """Read and commit the pages of a walk; return the failure that broke it off."""
        head, self._passing = None if walk.after else self._passing, None
        while not walk.is_over:
            page = head or await self._read(walk.after)
            head = None
            videos: Sequence[ListedVideo] = ()
            if isinstance(page, Page):
                videos = walk.read(ListPage(page.videos(), page.has_more, page.last_id))
            elif walk.after is not None and refuses_anchor(page):
                walk.refused()
                self._end_refused_walk(walk)
            else:
                return page
            watchable = [video for video in videos if _can_be_watched(video)]
            await self._commit(register, watchable, walk)
        return None

    async def _read(self, after: str | None) -> Page | Failure:
        """Read a page; one within a walk is tried several times."""
        for failures in range(1, _TRIES + 1):
            page = await self._deps.source.read_page(self._limits[0], after)
            if isinstance(page, Page):
                break
            if len(self._limits) > 1 and _is_too_many(page, after):
                del self._limits[0]
                continue
            if after is None or is_refusal(page):
                self._limits = list(_LIMITS) if after is None else self._limits
                break
            asked_for = min(page.wait or 0.0, LONGEST_WAIT)
            wait = max(growing(_FIRST_WAIT, failures, _LONGEST_WAIT), asked_for)
            await trio.sleep(jittered(wait, self._deps.rng))
        return page

    def _end_refused_walk(self, walk: ListWalk) -> None:
        """Begin again at the next look when further pages were refused, but not for ever."""
        if walk.is_over and not walk.is_complete:
            self._refused_walks += 1
            if self._refused_walks >= _MOST_REFUSED:
                walk.end_here()

    async def _commit(
        self, register: JobRegister, videos: Sequence[ListedVideo], walk: ListWalk
    ) -> None:
        """Commit what a page brought, a bounded number of jobs at a time."""
        findings = register.examine(
            videos,
            walk,
            self._rules.bounds,
            self._deps.wall(),
            statuses_count=self._deps.source.trusts_lists,
        )
        number, store = register.mark.walk + 1, self._deps.store
        for part in _parts(findings, register.mark):
            if not part.found and part.mark == register.mark:
                return
            async with self._opening() as opened:
                gateway = self._rules.gateway
                opened.extend(
                    await store.record_discovered(gateway, part.found, number, part.mark)
                )
            register.commit(part)

    @asynccontextmanager
    async def _opening(self) -> AsyncIterator[list[Watch]]:
        """Have the watches polled that are added to the list meanwhile."""
        opened: list[Watch] = []
        async with self._deps.turn:
            yield opened
            self._deps.opened(opened)
        self._found += len(opened)
        self._deps.metrics.discovered(self._rules.gateway, len(opened))
        for watch in opened:
            self._log.info("discovered", video_id=watch.key.video_id)

    async def _forget_old(self, register: JobRegister) -> None:
        while len(register) > KEPT + _SLACK:
            keys, floor = await self._deps.store.forget_discovered(
                self._rules.gateway, register.mark, KEPT
            )
            register.forget(keys, floor)
            if not keys:
                return

    def _report_end(self, register: JobRegister, walk: ListWalk, *, begins: bool) -> None:
        if walk.cut_at is not None and not begins:
            hint = "jobs that were created before, and were not known, are not watched"
            self._log.warning("discovery_stopped_short", created_at=walk.cut_at, hint=hint)
        if begins and register.mark.has_baseline:
            unconfirmed = len(register.unconfirmed)
            over = len(register) - unconfirmed - self._found
            self._log.info("discovery_began", over=over, unconfirmed=unconfirmed)


def _can_be_watched(video: ListedVideo) -> bool:
    """Return whether a video's id is one that can be asked about."""
    try:
        check_video_id(video.video_id)
    except BadValueError:
        return False
    return True


def _is_too_many(failure: Failure, after: str | None) -> bool:
    """Return whether a page may have been refused for its size; after an id, that is the cause."""
    return isinstance(failure, PollError) and (
        failure.reason == "too_large" or (after is None and failure.status in _TOO_MANY)
    )


def _parts(findings: Findings, mark: Mark) -> Iterator[Findings]:
    """Split findings; the mark moves with the last part."""
    found = list(findings.found)
    while len(found) > _BATCH:
        yield Findings(found[:_BATCH], mark)
        del found[:_BATCH]
    yield Findings(found, findings.mark)
