"""Decides what follows from a receiver's response: delivered, retry, dead letter or hold.

A failed delivery is retried as long as its retry schedule lasts, because a bad deploy of today is
often gone tomorrow. Two kinds of answers are final: 410 means that this URL will never receive
again, and some refusals of a chat service mean that this message will never be accepted
(`notifier.formats.table`).
"""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from random import Random
from typing import NamedTuple

from notifier.formats.table import SERVICES
from notifier.model.delivery import (
    NOT_RENDERED,
    DeadLetter,
    Delivered,
    Format,
    Hold,
    RetryAt,
    Settlement,
)
from notifier.schedule.backoff import SPREAD, jittered

LONGEST_RETRY_AFTER = 24 * 3600.0
"""The longest wait that a receiver's Retry-After is granted, in seconds."""

_SUCCESS = range(200, 300)


class Response(NamedTuple):
    """What came back from one attempt.

    `word` names the outcome for people. `status` is None when no complete answer came.
    `retry_after` is the wait that the receiver asked for, in seconds. `detail` says more about the
    outcome, in the receiver's words or in ours. `code` is the refusal that a service states in
    its answer, whatever the status.
    """

    word: str
    status: int | None = None
    retry_after: float | None = None
    detail: str = ""
    code: str = ""


class ResponsePolicy(NamedTuple):
    """How the responses of one endpoint are judged; `schedule` has the waits in seconds."""

    form: Format
    schedule: Sequence[float]

    def settle(self, response: Response, failures: int, *, now: float, rng: Random) -> Settlement:
        """Decide what becomes of a delivery that failed `failures` times before this response.

        `now` is in Unix seconds.
        """
        word, status = response.word, response.status
        if status in _SUCCESS and not response.code:
            return Delivered()
        if word == NOT_RENDERED:
            return DeadLetter(_with_detail("the template made no message", response))
        if status == HTTPStatus.GONE:
            return Hold("the receiver answered 410 Gone")
        if status is not None and SERVICES[self.form].is_final(status, response.code):
            reason = f"{self.form} answered {word}, which no retry will change"
            return DeadLetter(_with_detail(reason, response))
        attempts = len(self.schedule) + 1
        if failures + 1 >= attempts:
            reason = f"attempt {failures + 1} of {attempts} ended with {word}"
            return DeadLetter(_with_detail(reason, response))
        wait = jittered(self.schedule[failures], rng)
        asked = min(response.retry_after or 0.0, LONGEST_RETRY_AFTER)
        return RetryAt(now + max(wait, asked))


def _with_detail(reason: str, response: Response) -> str:
    return f"{reason}: {response.detail}" if response.detail else reason


def longest_wait(schedules: Iterable[Sequence[float]]) -> float:
    """Return how many seconds a delivery may wait at most, with any of these retry schedules."""
    waits = [max(schedule) for schedule in schedules]
    return max([*waits, LONGEST_RETRY_AFTER]) * (1 + SPREAD)
