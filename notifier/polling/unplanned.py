"""Requests to a gateway that no poller waits for: list pages and videos that discovery asks for.

They count against the same budget, say as much about the gateway as those of the pollers do, and
their pages answer the pollers, too.
"""

import trio

from notifier.gateway import Page
from notifier.model.answer import Answer, PollError, Seen, Unauthorized, outcome_word
from notifier.polling.gateway_health import is_answered, is_limited
from notifier.polling.requester import Requester, RequesterDeps

_PAUSED = PollError("paused", "the gateway refuses the key")


class UnplannedRequests:
    """Makes such requests through the `requester` of a gateway."""

    def __init__(self, requester: Requester, deps: RequesterDeps) -> None:
        self._requester = requester
        self._deps = deps
        self.listen = requester.listen

    @property
    def trusts_lists(self) -> bool:
        """Whether the statuses on list pages are believed."""
        return self._requester.lists.trust.trusted

    async def read_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        """Ask for up to `limit` videos that follow the id `after`, also in a pause.

        A pause may be due to certain videos alone, whose watches may stay open for long. A page
        says nothing about them, so it does not end the pause.
        """
        deps, requester = self._deps, self._requester
        await deps.limiter.acquire()
        at = deps.now()
        requester.rate.note(at)
        page = await requester.client.list_page(limit, after)
        if isinstance(page, Page):
            requester.record_page(page, at, proves_key=requester.auth.pause is None)
            if not requester.lists.is_contradicted_by_ends(page, at) and self.trusts_lists:
                deps.pages.share(page, after, at)
            return page
        deps.metrics.poll(deps.gateway, "not_listed")
        if not (is_answered(page) or is_limited(page) or _has_no_list(page)):
            requester.health.record(page, deps.now())
        return page

    def count(self) -> None:
        """Count a request that others made, and that nobody could have delayed."""
        self._deps.limiter.count(trio.current_time())
        self._requester.rate.note(self._deps.now())

    async def ask_alone(self, video_id: str) -> Answer:
        """Ask about a video that is not watched."""
        deps, requester = self._deps, self._requester
        await deps.limiter.acquire()
        if requester.auth.pause is not None:
            return _PAUSED
        at = deps.now()
        requester.rate.note(at)
        answer = await requester.client.retrieve(video_id)
        deps.metrics.poll(deps.gateway, outcome_word(answer))
        requester.health.record(answer, deps.now())
        if isinstance(answer, Seen):
            requester.record_accepted(at)
        if is_limited(answer):
            requester.rest.begin(video_id, answer.wait or 0)
        return answer


def _has_no_list(failure: Unauthorized | PollError) -> bool:
    """Return whether a gateway answered that it has no such path, as those without lists do."""
    return failure.status is not None and failure.status < 500  # noqa: PLR2004 - a server error
