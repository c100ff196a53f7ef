"""A gateway's answer to one status request, as far as it matters to a watch.

Every HTTP exchange becomes exactly one of these. `wait` is the wait that the gateway asked for,
in seconds, unclamped; None when it asked for none. `status` is the HTTP status, None when there
was no answer at all.
"""

from dataclasses import dataclass
from typing import NamedTuple

from notifier.model.video import Snapshot


class Seen(NamedTuple):
    """The gateway described this video; a tuple because one is made for each poll."""

    snapshot: Snapshot
    status: int = 200
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """The gateway stated, in JSON that names the video or task, that it does not exist.

    `generic` means a 410 that names neither, or a sentence about a "resource". It may be about the
    whole gateway, so it ends nothing while every video gets it.
    """

    detail: str
    status: int = 404
    wait: float | None = None
    generic: bool = False


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """401 or 403: about the key, never about the video."""

    status: int
    detail: str = ""
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class PollError:
    """The answer says nothing certain about this video; the cause may pass.

    `reason` is one word for logs (`timeout`, `connect`, `http_500`, `html`, `other_id` …),
    `hint` what an operator could change.
    """

    reason: str
    detail: str = ""
    hint: str = ""
    status: int | None = None
    wait: float | None = None


SEEN = "seen"
"""The `outcome_word` of `Seen`."""

Answer = Seen | NotFound | Unauthorized | PollError


def outcome_word(answer: Answer) -> str:
    """Return one word for logs and metrics, from a closed set (and `http_` + status)."""
    match answer:
        case Seen():
            return SEEN
        case NotFound():
            return "not_found"
        case PollError():
            return answer.reason
        case Unauthorized():
            return f"http_{answer.status}"


def outcome_text(answer: Answer) -> str:
    """Return the outcome of a request in words, for operators."""
    match answer:
        case Seen():
            word, progress = answer.snapshot.word, answer.snapshot.progress
            return word if progress is None else f"{word}, {progress} %"
        case NotFound():
            what = "not found"
        case Unauthorized():
            what = f"refused with {answer.status}"
        case PollError():
            what = answer.reason
    return f"{what}: {answer.detail}" if answer.detail else what
