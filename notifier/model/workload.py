"""How much there is to do: what a look at the store tells of all watches and deliveries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Backlog(NamedTuple):
    """One endpoint's deliveries that are not delivered.

    `pending` are those that are or will be due, `held` the pending ones of a disabled endpoint,
    `dead` those that were given up and are still kept.
    """

    pending: int = 0
    held: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """Open watches by gateway, backlogs by endpoint, and the endpoints that are disabled."""

    open_watches: Mapping[str, int]
    backlogs: Mapping[str, Backlog]
    disabled: Collection[str]
