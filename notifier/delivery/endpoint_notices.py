"""Makes and announces the events about endpoints that were disabled or have recovered."""

from collections.abc import Callable, Sequence

from notifier import log
from notifier.delivery.subscription import Subscription
from notifier.formats import render
from notifier.model.delivery import Format, Rendering
from notifier.model.event import EventType, NewEvent, Notice, subscribes
from notifier.model.health import Health


class EndpointNotices:
    """Makes the events about endpoints, and wakes the lanes once they are committed.

    `new_id` makes event ids. `wall` stamps events, in Unix seconds. `wake` gets the names of the
    endpoints that have something new. `subscriptions` is read again for every event.
    """

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        *,
        new_id: Callable[[], str],
        wall: Callable[[], float],
        wake: Callable[[Sequence[str]], None],
    ) -> None:
        self._subscriptions = subscriptions
        self._new_id = new_id
        self._wall = wall
        self._wake = wake
        self._log = log.get()

    def disabled(self, endpoint: str, reason: str, health: Health) -> NewEvent:
        """Return the event that says that `endpoint` is disabled for `reason`."""
        since = None if health.failing_since is None else int(health.failing_since)
        return self._event(EventType.ENDPOINT_DISABLED, endpoint, reason, since)

    def recovered(self, endpoint: str) -> NewEvent:
        """Return the event that says that `endpoint` accepts events again."""
        return self._event(EventType.ENDPOINT_RECOVERED, endpoint)

    def announce(self, event: NewEvent, endpoint: str, reason: str | None) -> None:
        """Log the committed `event` and wake the lanes that deliver it."""
        names = [name for name, _ in event.endpoints]
        if event.type is EventType.ENDPOINT_DISABLED:
            self._log.error(
                "endpoint_disabled",
                endpoint=endpoint,
                reason=reason,
                event_id=event.id,
                endpoints=names,
                hint=f"deliveries are held; notifier endpoints enable {endpoint}",
            )
        else:
            self._log.warning(
                "endpoint_recovered", endpoint=endpoint, event_id=event.id, endpoints=names
            )
        self._wake(names)

    def _event(
        self,
        event_type: EventType,
        endpoint: str,
        reason: str | None = None,
        since: int | None = None,
    ) -> NewEvent:
        notice = Notice(self._new_id(), event_type, int(self._wall()), endpoint, reason, since)
        others = [
            (subscription.endpoint, subscription.rendering.name)
            for subscription in self._subscriptions
            if subscription.endpoint != endpoint and subscribes(subscription.events, event_type)
        ]
        names = {Format.STANDARD.value, *(name for _, name in others)}
        bodies = {name: render(Rendering.named(name), notice) for name in names}
        return NewEvent(notice.id, event_type, notice.created_at, bodies, others)
