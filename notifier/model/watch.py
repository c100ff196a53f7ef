"""Watches: the request to follow one video, and what is known about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from notifier.model.lease import Fence
from notifier.model.video import Snapshot

MAX_VIDEO_ID = 512
"""Longest accepted video id, in characters."""


API_SOURCE = "api"
"""The source of watches that were added through the control API; files end in `.toml`."""


DISCOVERY_SOURCE = "discovery"
"""The source of watches that were found on a gateway's list; it has no settings of its own."""

PASSTHROUGH_SOURCE = "passthrough"
"""The source of watches of jobs whose creation was passed through."""

NO_FILES = frozenset({API_SOURCE, DISCOVERY_SOURCE, PASSTHROUGH_SOURCE})
"""The sources that are no files: the daemon itself keeps what they list."""


class WatchKey(NamedTuple):
    """The identity of a watch: the same pair is the same watch, wherever it is listed."""

    gateway: str
    video_id: str

    def __str__(self) -> str:
        return f"{self.gateway}/{self.video_id}"


@dataclass(frozen=True, slots=True)
class WatchSpec:
    """One `[[watches]]` entry, checked.

    `endpoints` None means all. `give_up_after` (seconds) None means the gateway's.
    `generation` tells a repeated watch of one video from the earlier one; the highest wins.
    """

    key: WatchKey
    endpoints: tuple[str, ...] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    give_up_after: float | None = None
    generation: int = 1


@dataclass(frozen=True, slots=True)
class Callback:
    """A URL that gets one watch's event beside the endpoints, signed as for `endpoint`."""

    url: str
    endpoint: str


def callback_lane(endpoint: str) -> str:
    """Return the name that deliveries to callback URLs go under; no endpoint can have it."""
    return f"{endpoint}@callback"


class WatchState(StrEnum):
    """The state of a watch: `ended` has its one event, `withdrawn` has none."""

    OPEN = "open"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch as the store holds it.

    `taken_at` is when notifier took it, again if it had been withdrawn; deadlines count from
    there. `missing_since` and `missing_count` describe the current unbroken run of not-found
    answers, if any. Times are Unix seconds of `notifier.schedule.Clock.now`. `fresh` says that
    this process took it. `first_taken_ms` is when this generation was first taken, in Unix
    milliseconds; it never changes, and event ids are derived from it. Where several instances
    share the store, `fence` is what its poller shows with each write.
    """

    row: int
    spec: WatchSpec
    taken_at: float
    state: WatchState = WatchState.OPEN
    snapshot: Snapshot | None = None
    missing_since: float | None = None
    missing_count: int = 0
    fresh: bool = False
    first_taken_ms: int = 0
    fence: Fence | None = None

    @property
    def key(self) -> WatchKey:
        """The watch's identity."""
        return self.spec.key


class Observation(NamedTuple):
    """What was last observed of the open watch in `row`; the other fields as in `Watch`."""

    row: int
    snapshot: Snapshot | None
    missing_since: float | None
    missing_count: int
    fence: Fence | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The watches that one source (the config, a drop-in file) lists, read without error."""

    source: str
    specs: tuple[WatchSpec, ...]


class ListingChange(NamedTuple):
    """What is different in one source: `specs` that are new or changed, `removed` keys.

    A source that is gone has all its keys removed.
    """

    source: str
    specs: tuple[WatchSpec, ...] = ()
    removed: tuple[WatchKey, ...] = ()


class WatchChanges(NamedTuple):
    """What a change of the sources did to open watches; `withdrawn` has their rows.

    `lost_files` is how many drop-ins are gone if those are suspiciously many, else 0.
    """

    opened: Sequence[Watch] = ()
    updated: Sequence[Watch] = ()
    withdrawn: Sequence[int] = ()
    lost_files: int = 0

    def __bool__(self) -> bool:
        return any(self[:])


class Mail(NamedTuple):
    """What has changed in the shards of an instance, and the rows that say so."""

    rows: Sequence[int] = ()
    changes: WatchChanges = WatchChanges()
