"""What pass-through needs of the rest of the daemon."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from notifier.http_client.requests import Origin
from notifier.http_client.streaming import StreamClient
from notifier.model.status import Status
from notifier.model.watch import Callback, WatchSpec

Outcome = Literal["answered", "failed", "cut_short", "caller_left"]
"""What came of a transfer: an answer, whatever its status, passed on whole; no answer; a part of
one; or a caller that did not wait for it."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A gateway that requests are passed on to.

    `host` is its Host header. `path` and `query` are those of its `base_url`. `headers` returns
    the configured headers, its key included; it raises ValueError when a secret cannot be read.
    `credentials` are the lower-case names of those that identify a caller. `request_timeout` is in
    seconds, `status_words` are the gateway's own, folded.
    """

    name: str
    client: StreamClient
    origin: Origin
    host: str
    path: str
    query: str
    headers: Callable[[], Mapping[str, str]]
    credentials: frozenset[str]
    status_words: Mapping[str, Status]
    request_timeout: float


@dataclass(frozen=True, slots=True)
class WatchOrder:
    """How a job is to be watched if the request makes one; the spec's video id is a stand-in."""

    spec: WatchSpec
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class WatchWishes:
    """What a request says about the watch; None and empty are the defaults."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    endpoints: tuple[str, ...] | None = None
    callback_url: str | None = None
    callback_endpoint: str | None = None


class JobAnswer(NamedTuple):
    """An answer that describes a job; names of `headers` are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Deps(Protocol):
    """The daemon, as pass-through sees it."""

    def upstream(self, gateway: str) -> Upstream | None:
        """Return a configured gateway, None if there is none of this name."""

    def takes_callback_urls(self) -> bool:
        """Return whether the config allows callback URLs."""

    def order(self, gateway: str, wishes: WatchWishes) -> WatchOrder:
        """Return the checked order; raises ConfigError."""

    async def add(self, order: WatchOrder, video_id: str, said: JobAnswer | None) -> bool:
        """Watch a job and commit that; return whether it is new.

        What the gateway `said` about it just now saves the first poll. Raises StoreError, and
        ConfigError for an id that cannot be watched.
        """

    def count_request(self, gateway: str) -> None:
        """Count a request that is passed on against the gateway's budget."""

    def count_outcome(self, gateway: str, outcome: Outcome) -> None:
        """Count what came of a request that `count_request` was called for."""

    def read_status(self, gateway: str, video_id: str, said: JobAnswer) -> float | None:
        """Take in a status answer; return in how many seconds the video is to be asked about.

        None if it is not watched.
        """
