"""Hints between instances: there may be something to do. Each may be lost."""

from enum import StrEnum
from typing import NamedTuple


class HintKind(StrEnum):
    """What there may be to do, and what the name beside it is of."""

    MAIL = "mail"
    """Mail for the owner of this lease, or for anybody if the name is empty."""
    DELIVERIES = "deliveries"
    """Deliveries for the lane of this endpoint."""
    LEASES = "leases"
    """Leases to take; the name is empty."""


class Hint(NamedTuple):
    """There may be something to do."""

    kind: HintKind
    name: str
