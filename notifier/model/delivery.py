"""Deliveries and attempts: one delivery per event and endpoint, any number of attempts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Format(StrEnum):
    """The format of an endpoint's messages."""

    STANDARD = "standard"
    SLACK = "slack"
    DISCORD = "discord"
    TEAMS = "teams"
    FEISHU = "feishu"
    DINGTALK = "dingtalk"
    WECOM = "wecom"
    CLOUDEVENTS = "cloudevents"
    TEMPLATE = "template"


class Language(StrEnum):
    """The language of messages that people read."""

    EN = "en"
    ZH = "zh"


class Rendering(NamedTuple):
    """What a message looks like; endpoints with the same rendering share one stored body."""

    format: Format
    language: Language = Language.EN

    @property
    def name(self) -> str:
        """How the store names it: `slack`, `slack.zh`.

        A template is applied to the `standard` body before the first attempt: it may take too
        long, and no ending waits for it.
        """
        if self.format is Format.TEMPLATE:
            return Format.STANDARD
        return self.format if self.language is Language.EN else f"{self.format}.{self.language}"

    @classmethod
    def named(cls, name: str) -> "Rendering":
        """Return the rendering that the store names so."""
        form, _, language = name.partition(".")
        return cls(Format(form), Language(language or Language.EN))


NOT_RENDERED = "template"
"""The outcome of an attempt that sent nothing, because the endpoint's template failed."""


class DeliveryState(StrEnum):
    """The state of a delivery. Rows of a disabled endpoint stay pending and are held."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Claim(NamedTuple):
    """A due delivery that a lane has claimed; a tuple because one is made for each attempt.

    `subject` names what the event is about, as fields of a log line. `recorded_at` is when the
    event was recorded (`Clock.now`). `attempt` counts from 1 and includes interrupted attempts.
    `failures` counts the attempts that used up a place in the retry schedule. `url` is the URL of
    a callback and `host` the host name in it, both None for the endpoint's own URL.
    `from_template` says that the body is what the endpoint's template made.
    """

    delivery: int
    endpoint: str
    event_id: str
    event_type: str
    subject: Mapping[str, str]
    body: bytes
    recorded_at: float
    attempt: int
    failures: int
    url: str | None = None
    host: str | None = None
    from_template: bool = False


class RecordedEnding(NamedTuple):
    """The deliveries of an ending that was recorded `at` then (Unix seconds).

    `claimed` has the ids of those that are in flight already, by endpoint. `callback` is the lane
    of the callback, None if the watch has none. `again` says that an earlier call had recorded it,
    whose commit was not known to its caller.
    """

    at: float
    claimed: Mapping[str, int]
    callback: str | None
    again: bool = False


@dataclass(frozen=True, slots=True)
class CallbackDemand:
    """Which callbacks may be claimed: at most `limit`, one for each host name.

    A name in `held` is not served before then (Unix seconds of `Clock.now`). If `only` is not
    None, no other names are served.
    """

    limit: int
    held: Mapping[str, float]
    only: Collection[str] | None = None


class AttemptRecord(NamedTuple):
    """The result of one attempt, as it is stored.

    `outcome` is one word (`delivered`, `http_500`, `timeout` …), `started_at` Unix seconds.
    `detail` says why it was not delivered: what the receiver answered, at most 300 characters, or
    what prevented an answer.
    """

    started_at: float
    duration_ms: int
    outcome: str
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CancelledDeliveries:
    """Pending deliveries that were cancelled because their endpoint left the config.

    `oldest` is when the first of their events was recorded, in Unix seconds.
    """

    endpoint: str
    count: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """A complete 2xx was received."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at `at` (Unix seconds); `free` if the attempt uses up no retry."""

    at: float
    free: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """No further attempt will be made, for `reason`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """The endpoint is disabled for `reason`; the delivery stays pending until it is enabled."""

    reason: str


Settlement = Delivered | RetryAt | DeadLetter | Hold
