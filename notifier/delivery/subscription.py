"""What an endpoint wants to hear of."""

from dataclasses import dataclass

from notifier.model.delivery import Format


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one endpoint wants to hear of, and how."""

    endpoint: str
    format: Format
    events: tuple[str, ...]
