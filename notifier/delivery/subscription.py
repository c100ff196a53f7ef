"""Which events an endpoint receives."""

from dataclasses import dataclass

from notifier.model.delivery import Format


@dataclass(frozen=True, slots=True)
class Subscription:
    """The patterns of the events that one endpoint receives, and their format."""

    endpoint: str
    format: Format
    events: tuple[str, ...]
