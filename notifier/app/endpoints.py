"""The configured endpoints: one delivery lane for each, changed as the config changes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from notifier import log
from notifier.app import wiring
from notifier.app.connections import Difference, Link, Peer, Peers
from notifier.app.runtime import Runtime
from notifier.app.trusted_sender import TrustedSender
from notifier.config import Config, EndpointSettings
from notifier.delivery import (
    AttemptRecorder,
    AttemptRunner,
    CallbackFlow,
    CallbackLimits,
    Dispatcher,
    EndpointFlow,
    EndpointNotices,
    Lane,
    Subscription,
)
from notifier.formats import times
from notifier.model.delivery import CancelledDeliveries
from notifier.model.health import Health
from notifier.net import AddressPolicy
from notifier.store import Store
from notifier.store.fenced_lane import FencedLane
from notifier.store.recovery import Reconciled
from notifier.webhook import Outcome, WebhookSender

Draft = Mapping[str, Peer[EndpointSettings]]

LaneStore = Store | FencedLane
"""Where a lane claims what is due."""


@dataclass(frozen=True, slots=True)
class EndpointParts:
    """The parts that deliver to one endpoint; callbacks have no `flow` of their own to change."""

    runner: AttemptRunner
    lane: Lane
    flow: EndpointFlow | None


class Endpoints:
    """Every configured endpoint's lane, and which event types each subscribes to.

    An instance among others has the lanes that are opened for it, instead of all.
    """

    def __init__(self, runtime: Runtime) -> None:
        clock = runtime.clock
        self._runtime = runtime
        self._peers: Peers[EndpointSettings] = Peers(runtime.connections)
        self._parts: dict[str, EndpointParts] = {}
        self._subscriptions: list[Subscription] = []
        self._recorder = AttemptRecorder(runtime.store, clock.now, runtime.metrics)
        self._callback_limits = CallbackLimits.of_process(runtime.seams.rng)
        self.dispatcher = Dispatcher()
        self._notices = EndpointNotices(
            self._subscriptions,
            new_id=runtime.seams.new_id,
            wall=clock.wall,
            wake=self.dispatcher.wake,
        )

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Which endpoints subscribe to which event types; it changes with the config."""
        return self._subscriptions

    async def draft(self, config: Config) -> Draft:
        """Open connections to the endpoints of `config`; raises TransportError."""
        return await self._peers.draft(
            {
                name: (settings, _link(settings, config.outbound))
                for name, settings in wiring.lanes(config).items()
            }
        )

    def discard(self, draft: Draft) -> None:
        """Close what a draft that will not be committed has opened."""
        self._peers.discard(draft)

    def commit(self, draft: Draft, health: Mapping[str, Health]) -> Difference:
        """Deliver to the endpoints of `draft` from now on; return what is different.

        `health` is what the store holds about endpoints in trouble.
        """
        before = self._peers.present
        self._peers.commit(draft)
        difference = Difference.between(before, draft)
        self._subscriptions[:] = wiring.subscriptions(peer.settings for peer in draft.values())
        if self._runtime.trust is None:
            for name in difference.added:
                self._add(draft[name], health.get(name), self._runtime.store)
        for name in difference.changed:
            if name in self._parts:
                self._change(draft[name], health.get(name))
        self.close_lanes(difference.removed)
        return difference

    @property
    def lanes(self) -> Collection[str]:
        """The endpoints whose lanes are here."""
        return self._parts.keys()

    def open_lane(self, name: str, store: LaneStore, health: Health | None) -> None:
        """Deliver to an endpoint from here on, with what `store` lets this instance claim."""
        peer = self._peers.present.get(name)
        if peer is not None and name not in self._parts:
            self._add(peer, health, store)

    async def retire_lane(self, name: str) -> None:
        """Claim nothing more for an endpoint; return when what was in flight is recorded."""
        if self._parts.pop(name, None) is not None:
            await self.dispatcher.retire(name)

    def close_lanes(self, names: Collection[str]) -> None:
        """Claim nothing more for these endpoints; do not wait for what is in flight."""
        for name in [name for name in names if name in self._parts]:
            del self._parts[name]
            self.dispatcher.remove(name)

    def count_failing(self) -> int:
        """Return to how many endpoints only single probes go at present."""
        return sum(self.is_failing(name) for name in self._parts)

    def is_failing(self, name: str) -> bool:
        """Tell whether only single probes go to an endpoint at present."""
        parts = self._parts.get(name)
        return parts is not None and parts.flow is not None and parts.flow.is_failing

    def follow(self, stored: Mapping[str, Health]) -> None:
        """Deliver to endpoints that another instance has switched on again."""
        for name, health in stored.items():
            parts = self._parts.get(name)
            if health.recovering and parts is not None and not parts.runner.health.recovering:
                self.enabled(name)

    def enabled(self, name: str) -> None:
        """Deliver to an endpoint that was just switched on again."""
        parts = self._parts.get(name)
        if parts is None or parts.flow is None:  # it has left the config meanwhile
            return
        mark = parts.runner.health.url_mark
        parts.runner.reset_health(Health(mark, recovering=True))
        parts.flow.reset()
        parts.lane.wake()

    async def send_once(self, name: str, event_id: str, body: bytes) -> Outcome:
        """Send a body that is not in the store, once, without a retry."""
        peer = self._peers.present[name]
        sender = wiring.sender(peer.settings, peer.lease.client, self._runtime.clock.wall)
        rendered = await sender.rendered(body)
        return await sender.send(event_id, rendered) if isinstance(rendered, bytes) else rendered

    def _add(self, peer: Peer[EndpointSettings], health: Health | None, store: LaneStore) -> None:
        settings = peer.settings
        runner = AttemptRunner(
            wiring.delivery_rules(settings),
            self._sender(peer),
            self._recorder,
            self._notices,
            health=health or Health(wiring.url_mark(settings)),
            clock=self._runtime.clock,
            rng=self._runtime.seams.rng,
        )
        flow = self._endpoint_flow(settings, runner, store)
        lane = Lane(
            settings.name,
            flow or self._callback_flow(settings.name, runner, store),
            runner,
            self._runtime.settled,
        )
        self._parts[settings.name] = EndpointParts(runner, lane, flow)
        self.dispatcher.add(settings.name, lane)

    def _sender(self, peer: Peer[EndpointSettings]) -> WebhookSender | TrustedSender:
        sender = wiring.sender(peer.settings, peer.lease.client, self._runtime.clock.wall)
        trust = self._runtime.trust
        return sender if trust is None else TrustedSender(sender, trust.holds)

    def _endpoint_flow(
        self, settings: EndpointSettings, runner: AttemptRunner, store: LaneStore
    ) -> EndpointFlow | None:
        if wiring.is_callback_lane(settings.name):
            return None
        return EndpointFlow(
            wiring.lane_rules(settings),
            runner,
            store,
            clock=self._runtime.clock,
            rng=self._runtime.seams.rng,
            metrics=self._runtime.metrics,
        )

    def _callback_flow(self, lane: str, runner: AttemptRunner, store: LaneStore) -> CallbackFlow:
        return CallbackFlow(
            lane,
            runner,
            store,
            self._callback_limits,
            clock=self._runtime.clock,
            rng=self._runtime.seams.rng,
        )

    def _change(self, peer: Peer[EndpointSettings], health: Health | None) -> None:
        settings, parts = peer.settings, self._parts[peer.settings.name]
        mark = wiring.url_mark(settings)
        new_url = parts.runner.health.url_mark != mark
        parts.runner.change(
            wiring.delivery_rules(settings),
            self._sender(peer),
            (health or Health(mark)) if new_url else parts.runner.health,
        )
        if parts.flow is not None:
            parts.flow.change(wiring.lane_rules(settings), new_url=new_url)
        parts.lane.wake()


def _link(settings: EndpointSettings, policy: AddressPolicy) -> Link:
    route = wiring.endpoint_route(settings, policy)
    return Link(route, settings.max_concurrency, settings.timeout)


def report_reconciled(reconciled: Reconciled) -> None:
    """Log what became of deliveries whose endpoint left the config or moved."""
    report_cancelled(reconciled.cancelled)
    for name in reconciled.enabled:
        log.get().warning("endpoint_enabled", endpoint=name, reason="its URL was changed")


def report_cancelled(cancelled: Iterable[CancelledDeliveries]) -> None:
    """Log what became of deliveries whose endpoint is in no config any more."""
    for each in cancelled:
        log.get().warning(
            "deliveries_cancelled",
            endpoint=each.endpoint,
            deliveries=each.count,
            reason="removed from the config",
            hint=f"to send them, put the endpoint back and run: {resending_command(each)}",
        )


def resending_command(cancelled: CancelledDeliveries) -> str:
    """Return the command that sends what was cancelled, once its endpoint is configured again."""
    name = cancelled.endpoint
    if wiring.is_callback_lane(name):
        # a replay is for endpoints; this lists the events, each with its id
        return f"notifier events list --endpoint {name} --state cancelled"
    return f"notifier replay --since {times.iso(int(cancelled.oldest))} --endpoint {name}"
