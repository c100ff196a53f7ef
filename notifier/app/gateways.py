"""The gateways that are configured: a desk for each, kept as the config says."""

from collections.abc import Mapping
from random import Random

import trio

from notifier.app import wiring
from notifier.app.connections import Connections, Difference, Link, Peer, Peers
from notifier.config import GatewaySettings
from notifier.gateway.client import content_url
from notifier.metrics import Metrics
from notifier.model.views import Row
from notifier.model.watch import Watch
from notifier.polling import GatewayScheduler, WatchRules
from notifier.schedule.clock import Clock

Draft = Mapping[str, Peer[GatewaySettings]]


class Gateways:
    """Knows every configured gateway's desk and rules."""

    def __init__(
        self, connections: Connections, clock: Clock, rng: Random, metrics: Metrics
    ) -> None:
        self._peers: Peers[GatewaySettings] = Peers(connections)
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._scheduler: dict[str, GatewayScheduler] = {}
        self._shifts: dict[str, trio.CancelScope] = {}
        self._nursery: trio.Nursery | None = None
        # also those of before: a poller that is being stopped may look once more
        self._settings: dict[str, GatewaySettings] = {}

    async def draft(self, wanted: Mapping[str, GatewaySettings]) -> Draft:
        """Make everything ready for `wanted`; raises TransportError."""
        return await self._peers.draft(
            {name: (settings, _link(settings)) for name, settings in wanted.items()}
        )

    def discard(self, draft: Draft) -> None:
        """Close what a draft that is not to be has opened."""
        self._peers.discard(draft)

    def commit(self, draft: Draft) -> Difference:
        """Serve the gateways of `draft` from now on; return what is different."""
        before = self._peers.present
        self._peers.commit(draft)
        difference = Difference.between(before, draft)
        for name in (*difference.added, *difference.changed):
            self._serve(draft[name])
        for name in difference.removed:
            del self._scheduler[name]
            if name in self._shifts:
                self._shifts[name].cancel()
        return difference

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the desks open, also those that are added meanwhile, for ever."""
        async with trio.open_nursery() as self._nursery:
            for name in self._scheduler:
                self._open(self._nursery, name)
            task_status.started()
            await trio.sleep_forever()

    def _open(self, nursery: trio.Nursery, name: str) -> None:
        async def shift(scheduler: GatewayScheduler, scope: trio.CancelScope) -> None:
            with scope:
                await scheduler.run()

        self._shifts[name] = trio.CancelScope()
        nursery.start_soon(shift, self._scheduler[name], self._shifts[name])

    def _serve(self, peer: Peer[GatewaySettings]) -> None:
        settings = peer.settings
        self._settings[settings.name] = settings
        client = wiring.gateway_client(settings, peer.lease.client, self._clock.wall)
        scheduler = self._scheduler.get(settings.name)
        if scheduler is None:
            self._scheduler[settings.name] = GatewayScheduler(
                settings.name,
                client,
                wiring.scheduler_rules(settings),
                now=self._clock.now,
                rng=self._rng,
                metrics=self._metrics,
            )
            if self._nursery is not None:
                self._open(self._nursery, settings.name)
        else:
            scheduler.change(client, wiring.scheduler_rules(settings))

    def scheduler(self, name: str) -> GatewayScheduler | None:
        """Return a gateway's desk, None when it is not configured."""
        return self._scheduler.get(name)

    def lateness(self) -> float:
        """Return by how many seconds the latest desk is late; not above 0 if none is."""
        return max((scheduler.lateness() for scheduler in self._scheduler.values()), default=0.0)

    def count_paused(self) -> int:
        """Return how many gateways refuse the key at present."""
        return sum(scheduler.paused for scheduler in self._scheduler.values())

    def condition(self, name: str) -> Row:
        """Return how a gateway is doing, and what of its budget is in use."""
        scheduler = self._scheduler[name]
        return {
            "paused": scheduler.paused,
            "max_requests_per_second": self._settings[name].max_requests_per_second,
            "requests_per_second": round(scheduler.rate(), 3),
        }

    def rules(self, watch: Watch) -> WatchRules:
        """Return how a watch is polled, as the config has it now."""
        return wiring.watch_rules(self._settings[watch.key.gateway], watch)

    def spread(self, watch: Watch) -> float:
        """Return over how many seconds the first polls of known watches are spread."""
        return self._settings[watch.key.gateway].poll_interval

    def content_url(self, gateway: str, video_id: str) -> str:
        """Return where a completed video can be fetched."""
        return content_url(self._settings[gateway].base_url, video_id)


def _link(settings: GatewaySettings) -> Link:
    route = wiring.gateway_route(settings)
    return Link(route, wiring.GATEWAY_IN_FLIGHT, settings.request_timeout)
