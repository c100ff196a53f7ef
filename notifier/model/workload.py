"""The workload: the number of open watches and undelivered deliveries in the store."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Backlog(NamedTuple):
    """The number of one endpoint's deliveries that are not delivered.

    `pending` are or will be due, `held` are the pending ones of a disabled endpoint, `dead` were
    given up and are still kept.
    """

    pending: int = 0
    held: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """Open watches by gateway, backlogs by endpoint, and the endpoints that are disabled.

    With `lanes` it is that of one instance, which delivers to these endpoints; None: of all.
    """

    open_watches: Mapping[str, int]
    backlogs: Mapping[str, Backlog]
    disabled: Collection[str]
    lanes: Collection[str] | None = None
