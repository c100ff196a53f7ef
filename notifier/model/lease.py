"""Leases: who of several instances does a piece of work."""

from enum import StrEnum
from typing import NamedTuple

DEFAULT_LEASE = 15.0
"""How long an instance owns its leases after it was last heard of, in seconds, by default."""

SHARDS = 64
"""The shards of one gateway's watches."""

LONGEST_LEASE = 120.0
"""The longest lease that a config may have, in seconds."""


class LeaseKind(StrEnum):
    """What a lease is for: the watches of one shard, one endpoint's lane, and so on."""

    WATCH = "watch"
    LANE = "lane"
    DISCOVERY = "discovery"
    ARCHIVE = "archive"
    CHORES = "chores"


class Service(NamedTuple):
    """What an instance does of a gateway by a lease of its own: discovery, or archive."""

    kind: LeaseKind
    gateway: str

    @property
    def lease(self) -> str:
        """The name of its lease."""
        return f"{self.kind}:{self.gateway}"


class Fence(NamedTuple):
    """What an owner shows with each write: its lease, itself, and the number of its ownership.

    The write counts only while the lease has this owner and this epoch.
    """

    lease: str
    owner: str
    epoch: int


class Lease(NamedTuple):
    """A lease as the store has it; `owner` is None while nobody does the work.

    `subject` is the gateway or endpoint that the work is for, `weight` how much work it is in
    proportion to others of its kind.
    """

    name: str
    kind: LeaseKind
    subject: str
    owner: str | None
    epoch: int
    weight: float = 1.0

    @property
    def fence(self) -> Fence | None:
        """What its owner shows with each write; None while it has none."""
        return None if self.owner is None else Fence(self.name, self.owner, self.epoch)


CHORES = "chores"
"""The lease of what is done once for all, such as retention."""


def watch_lease(gateway: str, shard: int) -> str:
    """Return the name of the lease of one shard of a gateway's watches."""
    return f"watch:{gateway}:{shard}"


def shard_number(lease: str) -> int:
    """Return which shard the lease of this name is of."""
    return int(lease.rpartition(":")[2])


def shard_of(row: int) -> int:
    """Return the shard of the watch in a row: stripes, so that list pages stay whole."""
    return row // 1024 % SHARDS


def lane_lease(endpoint: str) -> str:
    """Return the name of the lease of an endpoint's lane."""
    return f"lane:{endpoint}"
