"""What must hold for several instances on one database, whatever happens to them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

GRACE = 0.5
"""How long a request may be on its way, in seconds, on a busy machine."""

_WINDOW = 10.0
_SLACK = 3
"""How many requests more than its budget a gateway may get in a window: one of each instance."""


class Poll(NamedTuple):
    """A request about a video as the gateway saw it; `is_last` if it said that it was over."""

    at: float
    instance: str
    video: str
    is_last: bool = False


class Post(NamedTuple):
    """An event as a receiver saw it."""

    at: float
    instance: str
    video: str
    type: str
    id: str
    body: bytes
    is_received: bool


class Fault(NamedTuple):
    """What was done to the cluster, from when until all was well again."""

    kind: str
    began: float
    ended: float


@dataclass
class Ownership:
    """An ownership of a lease, as far as it was observed."""

    owner: str
    epoch: int
    first: float
    last: float


@dataclass
class Leases:
    """Who owned what when, observed several times a second."""

    _of: dict[str, list[Ownership]] = field(default_factory=lambda: defaultdict(list))

    def observe(self, at: float, lease: str, owner: str, epoch: int) -> None:
        """Note an owner of a lease."""
        known = self._of[lease]
        if known and (known[-1].owner, known[-1].epoch) == (owner, epoch):
            known[-1].last = at
        else:
            known.append(Ownership(owner, epoch, at, at))

    def other_than(self, instance: str, lease: str, at: float) -> str | None:
        """Return who else owned a lease for a moment already and afterwards, None if nobody."""
        for one in self._of[lease]:
            if one.owner != instance and one.first + GRACE <= at <= one.last:
                return one.owner
        return None


@dataclass
class Record:
    """Everything that was observed.

    `expected` has the type of each video's event, `added` when it was taken to be watched.
    """

    expected: dict[str, str] = field(default_factory=dict)
    added: dict[str, float] = field(default_factory=dict)
    polls: list[Poll] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    leases: Leases = field(default_factory=Leases)
    faults: list[Fault] = field(default_factory=list)


def problems(record: Record, lease_of: Mapping[str, str], lane: str, budget: float) -> list[str]:
    """Return what does not hold.

    `lease_of` has the lease of each video, `lane` is that of the endpoint, `budget` the most
    requests a second that all instances together may make.
    """
    return [
        *_events(record),
        *_strangers(record, lease_of, lane),
        *_over_budget([poll.at for poll in record.polls], budget),
    ]


def _events(record: Record) -> list[str]:
    found = []
    by_video = defaultdict[str, list[Post]](list)
    for post in record.posts:
        by_video[post.video].append(post)
    found += [f"unexpected: {video}" for video in by_video.keys() - record.expected.keys()]
    for video, expected in record.expected.items():
        posts = by_video[video]
        if not any(post.is_received for post in posts):
            found.append(f"lost: {video}")
        if len({post.id for post in posts}) > 1:
            found.append(f"two events: {video}")
        if len({post.body for post in posts}) > 1:
            found.append(f"changed bytes: {video}")
        if any(post.type != expected for post in posts):
            found.append(f"wrong ending: {video} is {expected}")
    return found


def _strangers(record: Record, lease_of: Mapping[str, str], lane: str) -> list[str]:
    """Find polls and POSTs by instances whose work another one did already."""
    found = []
    for poll in record.polls:
        other = record.leases.other_than(poll.instance, lease_of[poll.video], poll.at)
        if other is not None:
            found.append(f"poll by {poll.instance}: {poll.video} was {other}'s at {poll.at:.2f}")
    for post in record.posts:
        other = record.leases.other_than(post.instance, lane, post.at)
        if other is not None:
            found.append(f"POST by {post.instance}: the lane was {other}'s at {post.at:.2f}")
    return found


def _over_budget(times: Sequence[float], budget: float) -> list[str]:
    most = budget * _WINDOW + _SLACK
    for number, at in enumerate(times):
        within = bisect_left(times, at + _WINDOW) - number
        if within > most:
            return [f"over budget: {within} requests in {_WINDOW:.0f} s from {at:.2f} on"]
    return []


def longest_pauses(record: Record) -> dict[str, list[float]]:
    """Return for each kind of fault how long the watch was not polled that waited longest.

    One number for each fault, in seconds; "none" is for the time without a fault.
    """
    gaps = _gaps(record)
    pauses = defaultdict[str, list[float]](list)
    for fault in record.faults:
        during = [
            end - begin for begin, end in gaps if end >= fault.began and begin <= fault.ended
        ]
        pauses[fault.kind].append(max(during, default=0.0))
    quiet = [
        end - begin
        for begin, end in gaps
        if all(end < fault.began or begin > fault.ended for fault in record.faults)
    ]
    pauses["none"].append(max(quiet, default=0.0))
    return dict(pauses)


def _gaps(record: Record) -> list[tuple[float, float]]:
    """Return the times between polls of the same video, from when it was added to its end."""
    latest = {video: Poll(at, "", video) for video, at in record.added.items()}
    found = []
    for poll in record.polls:
        before = latest.get(poll.video)
        if before is not None and not before.is_last:
            found.append((before.at, poll.at))
        latest[poll.video] = poll
    return found
