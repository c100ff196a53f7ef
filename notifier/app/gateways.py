"""The configured gateways: one scheduler for each, changed as the config changes."""

from collections.abc import Mapping

import trio

from notifier.app import wiring
from notifier.app.connections import Difference, Link, Peer, Peers
from notifier.app.runtime import Runtime
from notifier.config import GatewaySettings
from notifier.gateway import GatewayClient
from notifier.gateway.urls import content_url
from notifier.http_client import HttpResponse
from notifier.model.answer import Answer
from notifier.model.condition import GatewayState, LastPoll
from notifier.model.views import Row
from notifier.model.watch import Watch, WatchKey
from notifier.polling import GatewayScheduler, PollRules

Draft = Mapping[str, Peer[GatewaySettings]]


class Gateways:
    """Every configured gateway's scheduler, settings and polling rules."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._peers: Peers[GatewaySettings] = Peers(runtime.connections)
        self._schedulers: dict[str, GatewayScheduler] = {}
        self._clients: dict[str, GatewayClient] = {}
        self._scopes: dict[str, trio.CancelScope] = {}
        self._nursery: trio.Nursery | None = None
        # removed gateways included: a poller that is being stopped may still read its rules
        self._settings: dict[str, GatewaySettings] = {}
        self._rules: dict[str, PollRules] = {}

    async def draft(self, wanted: Mapping[str, GatewaySettings]) -> Draft:
        """Open connections to the gateways `wanted`; raises TransportError."""
        return await self._peers.draft(
            {name: (settings, _link(settings)) for name, settings in wanted.items()}
        )

    def discard(self, draft: Draft) -> None:
        """Close what a draft that will not be committed has opened."""
        self._peers.discard(draft)

    def commit(self, draft: Draft) -> Difference:
        """Poll the gateways of `draft` from now on; return what is different."""
        before = self._peers.present
        self._peers.commit(draft)
        difference = Difference.between(before, draft)
        for name in (*difference.added, *difference.changed):
            self._apply(draft[name])
        for name in difference.removed:
            del self._schedulers[name]
            if name in self._scopes:
                self._scopes[name].cancel()
        return difference

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the schedulers, also those that are added meanwhile, for ever."""
        async with trio.open_nursery() as self._nursery:
            for name in self._schedulers:
                self._start(self._nursery, name)
            task_status.started()
            await trio.sleep_forever()

    def _start(self, nursery: trio.Nursery, name: str) -> None:
        async def run(scheduler: GatewayScheduler, scope: trio.CancelScope) -> None:
            with scope:
                await scheduler.run()

        self._scopes[name] = trio.CancelScope()
        nursery.start_soon(run, self._schedulers[name], self._scopes[name])

    def _apply(self, peer: Peer[GatewaySettings]) -> None:
        settings = peer.settings
        self._settings[settings.name] = settings
        self._rules[settings.name] = wiring.poll_rules(settings)
        client = wiring.gateway_client(settings, peer.lease.client, self._runtime.clock.wall)
        self._clients[settings.name] = client
        scheduler = self._schedulers.get(settings.name)
        if scheduler is None:
            self._schedulers[settings.name] = GatewayScheduler(
                settings.name,
                client,
                wiring.scheduler_rules(settings),
                now=self._runtime.clock.now,
                rng=self._runtime.seams.rng,
                metrics=self._runtime.metrics,
                allowed=self._runtime.may_work,
            )
            if self._runtime.trust is not None:
                self._schedulers[settings.name].grant(0.0)
            if self._nursery is not None:
                self._start(self._nursery, settings.name)
        else:
            scheduler.change(client, wiring.scheduler_rules(settings))

    def grant(self, gateway: str, rate: float) -> None:
        """Ask a gateway at most `rate` times a second from now on, 0 for never."""
        if gateway in self._schedulers:
            self._schedulers[gateway].grant(rate)

    def rest_until(self, gateway: str) -> float:
        """Return when the latest rest of a gateway ends or ended (`Clock.now`), or 0."""
        return self._schedulers[gateway].rest.until if gateway in self._schedulers else 0.0

    def rest(self, gateway: str, until: float) -> None:
        """Ask a gateway nothing until then (`Clock.now`): another instance was told to wait."""
        if gateway in self._schedulers:
            self._schedulers[gateway].rest.follow(until)

    def fastest(self, gateway: str) -> float:
        """Return how often a single video may be asked about, in polls a second."""
        return 1 / self._settings[gateway].min_poll_interval

    def scheduler(self, name: str) -> GatewayScheduler | None:
        """Return a gateway's scheduler, None when it is not configured."""
        return self._schedulers.get(name)

    def read(self, key: WatchKey, reply: HttpResponse) -> Answer:
        """Return what an answer of a configured gateway means that somebody else asked for."""
        return self._clients[key.gateway].read_encoded(key.video_id, reply)

    def peer(self, name: str) -> Peer[GatewaySettings] | None:
        """Return a gateway's settings and connections, None when it is not configured."""
        return self._peers.present.get(name)

    def lateness(self) -> float:
        """Return by how many seconds the latest scheduler is late; not above 0 if none is."""
        return max((scheduler.lateness() for scheduler in self._schedulers.values()), default=0.0)

    def count_paused(self) -> int:
        """Return how many gateways refuse the key at present."""
        return sum(scheduler.paused for scheduler in self._schedulers.values())

    def count_failing(self) -> int:
        """Return how many gateways do not answer at present."""
        states = [scheduler.condition().state for scheduler in self._schedulers.values()]
        return states.count(GatewayState.FAILING)

    def condition(self, name: str) -> Row:
        """Return a gateway's state, and how much of its request budget is in use."""
        scheduler = self._schedulers[name]
        condition = scheduler.condition()
        return {
            "paused": scheduler.paused,
            "state": condition.state.value,
            "since": round(condition.since, 3),
            "last_answer_at": _rounded(condition.last_answer_at),
            "last_error": condition.last_error,
            "last_error_at": _rounded(condition.last_error_at),
            "max_requests_per_second": self._settings[name].max_requests_per_second,
            "requests_per_second": round(scheduler.rate(), 3),
        }

    def answering(self) -> dict[str, bool]:
        """Return whether each gateway answers: neither paused nor failing."""
        return {
            name: scheduler.condition().state in {GatewayState.OK, GatewayState.LIMITED}
            for name, scheduler in self._schedulers.items()
        }

    def last_poll(self, key: WatchKey) -> LastPoll | None:
        """Return when an open watch was last asked about with what outcome, if it was."""
        scheduler = self._schedulers.get(key.gateway)
        return None if scheduler is None else scheduler.last_poll(key.video_id)

    def rules(self, gateway: str) -> PollRules:
        """Return how the watches of a gateway are polled, as the config has it now."""
        return self._rules[gateway]

    def spread(self, watch: Watch) -> float:
        """Return over how many seconds the first polls of known watches are spread."""
        return self._settings[watch.key.gateway].poll_interval

    def content_url(self, gateway: str, video_id: str) -> str:
        """Return where a completed video can be fetched."""
        return content_url(self._settings[gateway].base_url, video_id)


def _rounded(moment: float | None) -> float | None:
    return None if moment is None else round(moment, 3)


def _link(settings: GatewaySettings) -> Link:
    route = wiring.gateway_route(settings)
    return Link(route, wiring.GATEWAY_IN_FLIGHT, settings.request_timeout)
