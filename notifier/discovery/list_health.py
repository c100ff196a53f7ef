"""How the reading of one gateway's list goes: its state, and when to try again after a failure."""

from http import HTTPStatus
from typing import Any

from notifier.model.answer import PollError, Unauthorized, outcome_text
from notifier.model.condition import DiscoveryCondition, DiscoveryState
from notifier.schedule.backoff import growing

LONGEST_WAIT = 600.0
"""The longest wait until a list is tried again, in seconds."""

_NOT_A_LIST = frozenset({"no_list", "html"})
_ANCHOR_REFUSALS = frozenset({400, 404, 410, 422})
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

_HINT = "jobs of this gateway are not found by themselves; watch them by id, or turn discover off"

Failure = Unauthorized | PollError


def is_refusal(failure: Failure) -> bool:
    """Return whether a gateway refused a request for a page, so that a repetition would fail."""
    if isinstance(failure, Unauthorized) or failure.reason in _NOT_A_LIST:
        return True
    status = failure.status or 0
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and (
        status not in _PASSING
    )


def refuses_anchor(failure: Failure) -> bool:
    """Return whether a gateway may have refused a page because of the id that it is to follow."""
    return isinstance(failure, PollError) and failure.status in _ANCHOR_REFUSALS


class ListHealth:
    """Follows the outcomes of requests for a list; moments are `Clock.now`, in Unix seconds."""

    def __init__(self, log: Any, now: float) -> None:  # noqa: ANN401 - structlog's have no type
        self._log = log
        self._state, self._since = DiscoveryState.STARTING, now
        self._last_read_at: float | None = None
        self._last_error: str | None = None
        self._failures = 0

    @property
    def has_been_read(self) -> bool:
        """Whether the list was read to its end, or turned out to be none."""
        return self._last_read_at is not None or self._state is DiscoveryState.NO_LIST

    def record_read(self, now: float) -> None:
        """Record that the list was read as far as was needed."""
        if self._failures:
            self._log.info("discovery_resumed")
        self._failures, self._last_error, self._last_read_at = 0, None, now
        self._change(DiscoveryState.OK, now)

    def record_failure(self, failure: Failure, interval: float, now: float) -> float:
        """Record a request without a page; return in how many seconds to try again."""
        without_list = is_refusal(failure) and not isinstance(failure, Unauthorized)
        state = DiscoveryState.NO_LIST if without_list else DiscoveryState.FAILING
        self._failures += 1
        self._last_error = outcome_text(failure)
        if self._change(state, now):
            if without_list:
                self._log.error("discovery_without_list", reason=self._last_error, hint=_HINT)
            else:
                self._log.warning("discovery_failing", reason=self._last_error)
        wait = growing(interval, self._failures, max(interval, LONGEST_WAIT))
        return max(wait, min(failure.wait or 0.0, LONGEST_WAIT))

    def _change(self, state: DiscoveryState, now: float) -> bool:
        if state is self._state:
            return False
        self._state, self._since = state, now
        return True

    def condition(self, found: int, unconfirmed: int) -> DiscoveryCondition:
        """Return the condition."""
        return DiscoveryCondition(
            self._state,
            self._since,
            self._last_read_at,
            self._last_error,
            found,
            unconfirmed,
        )
