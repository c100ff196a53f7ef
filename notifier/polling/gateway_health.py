"""How a gateway is doing, by the outcomes of its requests.

A request is answered when the gateway's API said something, be it a refusal. No answer at all, a
server error, a web page, half an answer or an unknown path is a failure, and three of them in a
row make the gateway `failing`. A page of its list is an answer; a list that cannot be had is no
failure, because many gateways have none.
"""

from http import HTTPStatus

from notifier.model.answer import Answer, PollError, Seen, outcome_text
from notifier.model.condition import GatewayCondition, GatewayState

FAILURES = 3
"""So many requests in a row without an answer make a gateway `failing`."""

_NOT_FROM_THE_API = frozenset({"html", "empty", "broken_json"})
_NO_SUCH_PATH = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


class GatewayHealth:
    """Follows the outcomes of one gateway's requests; moments are `Clock.now`."""

    def __init__(self, now: float) -> None:
        self._ok_since = now
        self._failures = 0
        self._failing_since = now
        self._limited_since: float | None = None
        self._last_answer_at: float | None = None
        self._last_error: str | None = None
        self._last_error_at: float | None = None

    def record(self, answer: Answer, now: float) -> None:
        """Record the outcome of a single request that ended `now`."""
        if not isinstance(answer, Seen):
            self._last_error, self._last_error_at = outcome_text(answer), now
        if is_limited(answer):
            self._failures = 0
            if self._limited_since is None:
                self._limited_since = now
        elif is_answered(answer):
            self.record_answered(now)
        else:
            self._failing_since = self._failing_since if self._failures else now
            self._failures += 1

    def record_answered(self, now: float) -> None:
        """Record that the gateway answered `now`."""
        self._last_answer_at = now
        if self._failures >= FAILURES or self._limited_since is not None:
            self._ok_since = now
        self._failures, self._limited_since = 0, None

    def record_resumed(self, now: float) -> None:
        """Record that a pause ended `now`."""
        self._ok_since = now

    def condition(
        self, paused_since: float | None, resting_since: float | None = None
    ) -> GatewayCondition:
        """Return the condition; `paused_since` is when a pause began that goes on.

        So is `resting_since` of a wait that was asked of another instance.
        """
        state, since = self._state(paused_since, resting_since)
        return GatewayCondition(
            state, since, self._last_answer_at, self._last_error, self._last_error_at
        )

    def _state(
        self, paused_since: float | None, resting_since: float | None
    ) -> tuple[GatewayState, float]:
        if paused_since is not None:
            return GatewayState.PAUSED, paused_since
        if self._failures >= FAILURES:
            return GatewayState.FAILING, self._failing_since
        if self._limited_since is not None:
            return GatewayState.LIMITED, self._limited_since
        if resting_since is not None:
            return GatewayState.LIMITED, resting_since
        return GatewayState.OK, self._ok_since


def is_limited(answer: Answer) -> bool:
    """Return whether a gateway says that it is asked too often."""
    return isinstance(answer, PollError) and answer.status == HTTPStatus.TOO_MANY_REQUESTS


def is_answered(answer: Answer) -> bool:
    """Return whether the gateway's API answered a request, with whatever result."""
    if not isinstance(answer, PollError):
        return True
    status = answer.status
    return (
        status is not None
        and status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.REQUEST_TIMEOUT
        and status not in _NO_SUCH_PATH
        and answer.reason not in _NOT_FROM_THE_API
    )
