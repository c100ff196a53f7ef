"""What follows from an attempt, as data.

A webhook may fail for as long as its retry schedule lasts: whatever a receiver answers today,
it may be a bad deploy that is gone tomorrow. Two answers are final: 410 says that nobody will
ever listen here again, and some of Slack's say that this message will never be taken.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from random import Random

from notifier.model.delivery import DeadLetter, Delivered, Format, Hold, RetryAt, Settlement
from notifier.schedule.backoff import jittered

LONGEST_RETRY_AFTER = 24 * 3600.0
"""The most that a receiver's Retry-After can put an attempt off, in seconds."""

PERMANENT: Mapping[Format, frozenset[int]] = {
    Format.STANDARD: frozenset(),
    Format.SLACK: frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}),
}
"""The statuses that no retry will change, by format."""


def settle(  # noqa: PLR0913 - these are what a decision rests on
    form: Format,
    status: int | None,
    word: str,
    *,
    failures: int,
    schedule: Sequence[float],
    retry_after: float | None,
    now: float,
    rng: Random,
) -> Settlement:
    """Decide what becomes of a delivery after an attempt.

    `status` is None when no complete answer came, `word` names the outcome for people,
    `failures` counts the failed attempts before this one, `schedule` has the waits in seconds.
    """
    if status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Delivered()
    if status == HTTPStatus.GONE:
        return Hold("the receiver answered 410 Gone")
    if status in PERMANENT[form]:
        return DeadLetter(f"{form} answered {word}, which no retry will change")
    if failures >= len(schedule):
        return DeadLetter(f"attempt {failures + 1} of {len(schedule) + 1} ended with {word}")
    wait = jittered(schedule[failures], rng)
    if retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST_RETRY_AFTER))
    return RetryAt(now + wait)
