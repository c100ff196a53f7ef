"""What is known of a gateway and of a watch at a moment, for those who operate the daemon.

Times are Unix seconds of `notifier.schedule.Clock.now`.
"""

from dataclasses import dataclass
from enum import StrEnum


class GatewayState(StrEnum):
    """The state of a gateway; where several apply, the first of them.

    `paused`: no video is answered, the key is refused. `failing`: the last three requests were
    not answered. `limited`: the gateway asked for a wait (429), perhaps of another instance. `ok`
    also when never asked.
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


class DiscoveryState(StrEnum):
    """How the reading of a gateway's list goes.

    `starting`: the list was not read to its end yet. `no_list`: the gateway has no list that can
    be used. `failing`: the last request brought no page, which may pass.
    """

    STARTING = "starting"
    OK = "ok"
    NO_LIST = "no_list"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class DiscoveryCondition:
    """The state of discovery on a gateway, and `since` when.

    `last_read_at` is when its list was last read, None if it never was. `last_error` is why the
    last request failed, None if it did not. `found` counts the jobs that this process has taken,
    `unconfirmed` those of the first start that are still to be asked about alone.
    """

    state: DiscoveryState
    since: float
    last_read_at: float | None = None
    last_error: str | None = None
    found: int = 0
    unconfirmed: int = 0

    @property
    def is_well(self) -> bool:
        """Whether the list can be read, or was not asked for yet."""
        return self.state in {DiscoveryState.STARTING, DiscoveryState.OK}

    def as_row(self) -> dict[str, str | float | int | None]:
        """Return the condition as the control API shows it."""
        read_at = self.last_read_at
        return {
            "state": self.state.value,
            "since": round(self.since, 3),
            "last_read_at": None if read_at is None else round(read_at, 3),
            "last_error": self.last_error,
            "found": self.found,
            "unconfirmed": self.unconfirmed,
        }
