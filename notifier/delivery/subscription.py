"""Which events an endpoint receives."""

from dataclasses import dataclass

from notifier.model.delivery import Format, Language, Rendering


@dataclass(frozen=True, slots=True)
class Subscription:
    """The patterns of the events that one endpoint receives, and how they are rendered."""

    endpoint: str
    format: Format
    events: tuple[str, ...]
    language: Language = Language.EN

    @property
    def rendering(self) -> Rendering:
        """What its messages look like."""
        return Rendering(self.format, self.language)
