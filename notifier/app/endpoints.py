"""The configured endpoints: one delivery lane for each, changed as the config changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier import log
from notifier.app import wiring
from notifier.app.connections import Difference, Link, Peer, Peers
from notifier.app.runtime import Runtime
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
from notifier.store.recovery import Reconciled
from notifier.webhook import Outcome

Draft = Mapping[str, Peer[EndpointSettings]]


@dataclass(frozen=True, slots=True)
class EndpointParts:
    """The parts that deliver to one endpoint; callbacks have no `flow` of their own to change."""

    runner: AttemptRunner
    lane: Lane
    flow: EndpointFlow | None


class Endpoints:
    """Every configured endpoint's lane, and which event types each subscribes to."""

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
        for name in difference.added:
            self._add(draft[name], health.get(name))
        for name in difference.changed:
            self._change(draft[name], health.get(name))
        for name in difference.removed:
            del self._parts[name]
            self.dispatcher.remove(name)
        return difference

    def count_failing(self) -> int:
        """Return to how many endpoints only single probes go at present."""
        return sum(self.is_failing(name) for name in self._parts)

    def is_failing(self, name: str) -> bool:
        """Tell whether only single probes go to an endpoint at present."""
        parts = self._parts.get(name)
        return parts is not None and parts.flow is not None and parts.flow.is_failing

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

    def _add(self, peer: Peer[EndpointSettings], health: Health | None) -> None:
        settings = peer.settings
        runner = AttemptRunner(
            wiring.delivery_rules(settings),
            wiring.sender(settings, peer.lease.client, self._runtime.clock.wall),
            self._recorder,
            self._notices,
            health=health or Health(wiring.url_mark(settings)),
            clock=self._runtime.clock,
            rng=self._runtime.seams.rng,
        )
        flow = self._endpoint_flow(settings, runner)
        lane = Lane(
            settings.name,
            flow or self._callback_flow(settings.name, runner),
            runner,
            self._runtime.settled,
        )
        self._parts[settings.name] = EndpointParts(runner, lane, flow)
        self.dispatcher.add(settings.name, lane)

    def _endpoint_flow(
        self, settings: EndpointSettings, runner: AttemptRunner
    ) -> EndpointFlow | None:
        if wiring.is_callback_lane(settings.name):
            return None
        return EndpointFlow(
            wiring.lane_rules(settings),
            runner,
            self._runtime.store,
            clock=self._runtime.clock,
            rng=self._runtime.seams.rng,
            metrics=self._runtime.metrics,
        )

    def _callback_flow(self, lane: str, runner: AttemptRunner) -> CallbackFlow:
        return CallbackFlow(
            lane,
            runner,
            self._runtime.store,
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
            wiring.sender(settings, peer.lease.client, self._runtime.clock.wall),
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
    for each in reconciled.cancelled:
        log.get().warning(
            "deliveries_cancelled",
            endpoint=each.endpoint,
            deliveries=each.count,
            reason="removed from the config",
            hint=f"to send them, put the endpoint back and run: {resending_command(each)}",
        )
    for name in reconciled.enabled:
        log.get().warning("endpoint_enabled", endpoint=name, reason="its URL was changed")


def resending_command(cancelled: CancelledDeliveries) -> str:
    """Return the command that sends what was cancelled, once its endpoint is configured again."""
    name = cancelled.endpoint
    if wiring.is_callback_lane(name):
        # a replay is for endpoints; this lists the events, each with its id
        return f"notifier events list --endpoint {name} --state cancelled"
    return f"notifier replay --since {times.iso(int(cancelled.oldest))} --endpoint {name}"
