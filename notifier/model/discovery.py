"""What discovery remembers of a gateway's list: a mark, and the jobs at and around it.

`created_at` is in Unix seconds by the gateway's clock everywhere.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple


class Fate(Enum):
    """What becomes of a job that discovery sees for the first time.

    `KNOWN`: it is over and belongs to the baseline. `UNCONFIRMED`: it belongs to the baseline if a
    single answer says that it is over. `TAKEN`: it is watched.
    """

    KNOWN = "known"
    UNCONFIRMED = "unconfirmed"
    TAKEN = "taken"


class FoundJob(NamedTuple):
    """A job on the list that was not known before, and its fate.

    `names` are the ids under which a watch of this job may exist already; the first one is the id
    to watch it by. `key` is the same for all ids that name the job.
    """

    key: str
    names: tuple[str, ...]
    created_at: int | None
    fate: Fate

    @property
    def video_id(self) -> str:
        """The id to watch the job by."""
        return self.names[0]


class Mark(NamedTuple):
    """How far the list of one gateway has been read.

    `base_url` is a digest of the gateway's URL: another URL starts anew, in the next `epoch`.
    `has_baseline` says that the first walk over the list is complete, and `baseline_until` is the
    newest `created_at` on its first page. A job that is not known is behind the mark when it was
    created at `floor` or before. `walk` is the number of the last complete walk. `oldest_first`
    describes the list; then `tail` has the last ids that were read, from where reading goes on.
    """

    base_url: str
    epoch: int = 1
    has_baseline: bool = False
    baseline_until: int | None = None
    floor: int | None = None
    walk: int = 0
    oldest_first: bool = False
    tail: tuple[str, ...] = ()


class StoredJob(NamedTuple):
    """A known job as the store holds it; `walk` is the number of the walk that first saw it."""

    key: str
    names: tuple[str, ...]
    walk: int
    confirmed: bool


class DiscoveryRecord(NamedTuple):
    """Everything that is stored for one gateway.

    `watched` has the ids of watches that may be encoded, to compare them with ids on the list.
    """

    mark: Mark
    jobs: Sequence[StoredJob]
    watched: Sequence[str]
