"""The operations of a running daemon, as the control API needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from notifier.errors import NotifierError
from notifier.model.views import EventSummary, EventView, Row, WatchView
from notifier.model.watch import WatchKey
from notifier.store.queries import EventFilter, WatchFilter
from notifier.store.resending import Replay, Replayed


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """A request to watch a video: an entry of `[[watches]]`, and what only the API offers."""

    entry: Mapping[str, object]
    again: bool = False
    callback_url: str | None = None
    callback_endpoint: str | None = None


class AddedWatch(NamedTuple):
    """A watch after a request for it; `created` is False when it was known before."""

    view: WatchView
    created: bool


class Conditions(Protocol):
    """The daemon's condition."""

    async def status(self) -> Row:
        """Return the status of the daemon, its gateways and its endpoints."""

    async def endpoints(self) -> list[Row]:
        """Return every configured endpoint with its deliveries by state."""

    async def ready(self) -> Mapping[str, bool]:
        """Return what readiness depends on, and whether each of it works."""

    async def metrics(self) -> tuple[bytes, str]:
        """Return the metrics in Prometheus' text format, and its content type."""


class Instances(Protocol):
    """The processes that share the store with this one; there are none without a database."""

    async def instances(self) -> list[Row]:
        """Return every instance with what it does, by name."""

    async def drain(self, instance: str) -> None:
        """Have an instance hand over all that it does.

        Raises UnknownError, and ConflictError when no other one could take over.
        """

    async def undrain(self, instance: str) -> None:
        """Have an instance that was drained take its share again; raises UnknownError."""


class Reloads(Protocol):
    """Changing the configuration."""

    async def reload(self) -> Row:
        """Apply what is different in the config file; return the differences.

        Raises ConfigError with every problem of the file; then nothing is changed.
        """


class Operations(Conditions, Instances, Reloads, Protocol):
    """Every operation; each raises StoreError when the store cannot do its part."""

    async def add_watches(
        self, requests: Sequence[WatchRequest]
    ) -> Sequence[AddedWatch | NotifierError]:
        """Watch videos, all in one transaction; return the outcome of each request.

        That is ConfigError for an entry that cannot be used, ConflictError for one that
        contradicts what is watched; the others are durable.
        """

    async def remove_watches(self, keys: Sequence[WatchKey]) -> Sequence[NotifierError | None]:
        """Stop watching, all in one transaction; return the error of each that stays.

        That is UnknownError, or ConflictError when a file lists it.
        """

    async def watches(self, wanted: WatchFilter) -> list[WatchView]:
        """Return watches, oldest first."""

    async def watch(self, key: WatchKey) -> WatchView:
        """Return one watch; raises UnknownError."""

    async def events(self, wanted: EventFilter) -> list[EventSummary]:
        """Return events, the latest first."""

    async def event(self, event_id: str) -> EventView:
        """Return everything about one event; raises UnknownError."""

    async def resend(self, event_id: str, endpoints: Sequence[str] | None) -> list[str]:
        """Send an event again, to its own endpoints or to `endpoints`; return their names.

        Raises UnknownError for an event or endpoint that does not exist.
        """

    async def replay(self, wanted: Replay, endpoints: Sequence[str] | None) -> Replayed:
        """Send one batch of events again to `endpoints` (all); raises UnknownError."""

    async def enable(self, endpoint: str) -> bool:
        """Switch a disabled endpoint on; False if it was on. Raises UnknownError."""

    async def test(self, endpoint: str, event_type: str) -> Row:
        """Send a test event once, and return the outcome; raises UnknownError."""
