"""What the daemon can be asked, and asked to do: the control API puts it on the wire."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from notifier.model.views import EventSummary, EventView, Row, WatchView
from notifier.model.watch import WatchKey
from notifier.store.queries import EventFilter, WatchFilter
from notifier.store.resending import Replay


class Conditions(Protocol):
    """How the daemon is doing."""

    async def status(self) -> Row:
        """Return how everything stands."""

    async def endpoints(self) -> list[Row]:
        """Return every configured endpoint with how its deliveries stand."""

    async def ready(self) -> Mapping[str, bool]:
        """Return what must work, and whether it does."""

    async def metrics(self) -> tuple[bytes, str]:
        """Return the metrics in Prometheus' text format, and its content type."""


class Reloads(Protocol):
    """Changing the configuration."""

    async def reload(self) -> Row:
        """Apply what is different in the config file, and tell what was.

        Raises ConfigError with everything that is wrong with it; nothing is changed then.
        """


class Operations(Conditions, Reloads, Protocol):
    """Everything. Each method raises StoreError when the store will not have it."""

    async def add_watch(
        self,
        entry: Mapping[str, object],
        *,
        again: bool,
        callback_url: str | None,
        callback_endpoint: str | None,
    ) -> tuple[str, WatchKey]:
        """Watch a video, durably; return `created` or `known`, and the watch's identity.

        Raises ConfigError for an entry that cannot be used, ConflictError for one that
        contradicts what is watched.
        """

    async def remove_watch(self, key: WatchKey) -> None:
        """Stop watching; raises UnknownError, or ConflictError when a file lists it."""

    async def watches(self, wanted: WatchFilter) -> list[WatchView]:
        """Return watches, oldest first."""

    async def watch(self, key: WatchKey) -> WatchView:
        """Return one watch; raises UnknownError."""

    async def events(self, wanted: EventFilter) -> list[EventSummary]:
        """Return events, the latest first."""

    async def event(self, event_id: str) -> EventView:
        """Return everything about one event; raises UnknownError."""

    async def resend(self, event_id: str, endpoints: Sequence[str] | None) -> list[str]:
        """Send an event again, to those it was for or to `endpoints`; return their names.

        Raises UnknownError for an event or endpoint that does not exist.
        """

    async def replay(self, wanted: Replay, endpoints: Sequence[str] | None) -> Mapping[str, int]:
        """Send events again to `endpoints` (all); count them by endpoint. Raises UnknownError."""

    async def enable(self, endpoint: str) -> bool:
        """Switch a disabled endpoint on; False if it was on. Raises UnknownError."""

    async def test(self, endpoint: str) -> Row:
        """Send a test event once, and return what came back; raises UnknownError."""
