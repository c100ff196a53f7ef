"""The endpoints that are configured: a lane for each, kept as the config says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from notifier.app import wiring
from notifier.app.connections import Connections, Difference, Link, Peer, Peers
from notifier.config import Config, EndpointSettings
from notifier.delivery import (
    AttemptRecorder,
    AttemptRunner,
    Dispatcher,
    EndpointNotices,
    Lane,
    Subscription,
)
from notifier.metrics import Metrics
from notifier.model.health import Health
from notifier.net import AddressPolicy
from notifier.schedule.clock import Clock
from notifier.store import Store
from notifier.wakeup import Wakeup
from notifier.webhook import Outcome

Draft = Mapping[str, Peer[EndpointSettings]]


@dataclass(frozen=True, slots=True)
class Delivering:
    """One endpoint's moving parts."""

    runner: AttemptRunner
    lane: Lane


class Endpoints:
    """Knows every configured endpoint's lane, and who wants to hear of what."""

    def __init__(
        self,
        connections: Connections,
        store: Store,
        clock: Clock,
        rng: Random,
        *,
        new_id: Callable[[], str],
        settled: Wakeup,
        metrics: Metrics,
    ) -> None:
        self._peers: Peers[EndpointSettings] = Peers(connections)
        self._store = store
        self._clock = clock
        self._rng = rng
        self._settled = settled
        self._delivering: dict[str, Delivering] = {}
        self._subscriptions: list[Subscription] = []
        self._metrics = metrics
        self._recorder = AttemptRecorder(store, clock.now, metrics)
        self.dispatcher = Dispatcher()
        self._notices = EndpointNotices(
            self._subscriptions, new_id=new_id, wall=clock.wall, wake=self.dispatcher.wake
        )

    def wake(self, names: Sequence[str]) -> None:
        """Hint that something may be due for `names`, or for a callback."""
        callbacks = [name for name in self._delivering if wiring.is_callback_lane(name)]
        self.dispatcher.wake([*names, *callbacks])

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Who wants to hear of what; it changes with the config."""
        return self._subscriptions

    async def draft(self, config: Config) -> Draft:
        """Make everything ready for the endpoints of `config`; raises TransportError."""
        return await self._peers.draft(
            {
                name: (settings, _link(settings, config.outbound))
                for name, settings in wiring.lanes(config).items()
            }
        )

    def discard(self, draft: Draft) -> None:
        """Close what a draft that is not to be has opened."""
        self._peers.discard(draft)

    def commit(self, draft: Draft, health: Mapping[str, Health]) -> Difference:
        """Deliver to the endpoints of `draft` from now on; return what is different.

        `health` is what the store remembers of those in trouble.
        """
        before = self._peers.present
        self._peers.commit(draft)
        difference = Difference.between(before, draft)
        self._subscriptions[:] = wiring.subscriptions(peer.settings for peer in draft.values())
        for name in difference.added:
            self._add(draft[name], health.get(name))
        for name in difference.changed:
            self._change(draft[name], health.get(name))
        for name in difference.removed:
            del self._delivering[name]
            self.dispatcher.remove(name)
        return difference

    def count_failing(self) -> int:
        """Return to how many endpoints only single probes go at present."""
        return sum(parts.lane.is_failing for parts in self._delivering.values())

    def is_failing(self, name: str) -> bool:
        """Tell whether only single probes go to an endpoint at present."""
        return name in self._delivering and self._delivering[name].lane.is_failing

    def enabled(self, name: str) -> None:
        """Deliver to an endpoint that was just switched on again."""
        parts = self._delivering.get(name)
        if parts is None:  # it has left the config meanwhile
            return
        mark = parts.runner.health.url_mark
        parts.runner.reset_health(Health(mark, recovering=True))
        parts.lane.reset()

    async def send_once(self, name: str, event_id: str, body: bytes) -> Outcome:
        """Send something that is not in the store, once, whatever comes of it."""
        peer = self._peers.present[name]
        sender = wiring.sender(peer.settings, peer.lease.client, self._clock.wall)
        return await sender.send(event_id, body)

    def _add(self, peer: Peer[EndpointSettings], health: Health | None) -> None:
        settings = peer.settings
        runner = AttemptRunner(
            wiring.delivery_rules(settings),
            wiring.sender(settings, peer.lease.client, self._clock.wall),
            self._recorder,
            self._notices,
            health=health or Health(wiring.url_mark(settings)),
            clock=self._clock,
            rng=self._rng,
        )
        lane = Lane(
            wiring.lane_rules(settings),
            runner,
            self._store,
            clock=self._clock,
            rng=self._rng,
            settled=self._settled,
            metrics=self._metrics,
        )
        self._delivering[settings.name] = Delivering(runner, lane)
        self.dispatcher.add(settings.name, lane)

    def _change(self, peer: Peer[EndpointSettings], health: Health | None) -> None:
        settings, parts = peer.settings, self._delivering[peer.settings.name]
        mark = wiring.url_mark(settings)
        new_url = parts.runner.health.url_mark != mark
        parts.runner.change(
            wiring.delivery_rules(settings),
            wiring.sender(settings, peer.lease.client, self._clock.wall),
            (health or Health(mark)) if new_url else parts.runner.health,
        )
        parts.lane.change(wiring.lane_rules(settings), new_url=new_url)


def _link(settings: EndpointSettings, policy: AddressPolicy) -> Link:
    route = wiring.endpoint_route(settings, policy)
    return Link(route, settings.max_concurrency, settings.timeout)
