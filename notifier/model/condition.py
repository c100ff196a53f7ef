"""What is known of a gateway and of a watch at a moment, for those who operate the daemon.

Times are Unix seconds of `notifier.schedule.Clock.now`.
"""

from dataclasses import dataclass
from enum import StrEnum


class GatewayState(StrEnum):
    """The state of a gateway; where several apply, the first of them.

    `paused`: no video is answered, the key is refused. `failing`: the last three requests were
    not answered. `limited`: the gateway asked for a wait (429). `ok` also when never asked.
    """

    PAUSED = "paused"
    FAILING = "failing"
    LIMITED = "limited"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class GatewayCondition:
    """The state of a gateway, and `since` when; its last answer and its last error in words.

    `last_answer_at` is None when it never answered, `last_error` when no request failed yet.
    """

    state: GatewayState
    since: float
    last_answer_at: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None


@dataclass(frozen=True, slots=True)
class LastPoll:
    """When a video was last asked about, and the outcome in words; page answers count too."""

    at: float
    outcome: str
