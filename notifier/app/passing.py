"""Pass-through in the daemon: its listening socket, and what it needs of the other parts."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import trio

from notifier import log
from notifier.app import wiring
from notifier.app.assembly import Parts
from notifier.app.callbacks import check_callback
from notifier.app.connections import Peer
from notifier.app.listeners import accepted_hosts
from notifier.app.watch_following import WatchFollower
from notifier.config import Config, GatewaySettings, PassthroughSettings, check_watch
from notifier.control import listen_tcp
from notifier.http_client import HttpResponse, Route
from notifier.http_client.requests import read_address
from notifier.http_client.streaming import StreamClient
from notifier.http_server.asgi_server import AsgiServer, ServerOptions
from notifier.http_server.connection_limit import ConnectionLimit
from notifier.model.answer import Seen
from notifier.model.watch import WatchKey, WatchSpec, WatchState
from notifier.passthrough import (
    Access,
    JobAnswer,
    Outcome,
    Relay,
    Upstream,
    WatchOrder,
    WatchWishes,
)
from notifier.passthrough.transfer import SILENCE
from notifier.polling import Sources

_STAND_IN = "video"
_NONE = WatchWishes()
_MOST_DESCRIPTORS = 16_384
_OPTIONS = ServerOptions(idle=120.0, write=SILENCE, dates=False)


@contextmanager
def open_passthrough(settings: PassthroughSettings) -> Iterator[socket.socket | None]:
    """Listen where the config says, if it does; raises SocketRefusedError."""
    if settings.listen is None:
        yield None
        return
    _raise_descriptor_limit()
    with listen_tcp(*settings.listen) as sock:
        yield sock


def _raise_descriptor_limit() -> None:
    """Allow as many open files as the system does: a relayed request takes two of them.

    The usual soft limit of 1,024 is for programs that use select(2), which this one does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@dataclass(slots=True)
class PassedJobs:
    """Implements `notifier.passthrough.Deps` with the daemon's parts."""

    parts: Parts
    sources: Sources
    follower: WatchFollower
    config: Callable[[], Config]
    _clients: dict[str, tuple[Route, StreamClient]] = field(default_factory=dict)
    _upstreams: dict[str, tuple[Peer[GatewaySettings], Upstream]] = field(default_factory=dict)

    def upstream(self, gateway: str) -> Upstream | None:
        peer = self.parts.gateways.peer(gateway)
        if peer is None:
            return None
        known = self._upstreams.get(gateway)
        if known is not None and known[0] is peer:
            return known[1]
        upstream = self._upstream(gateway, peer)
        self._upstreams[gateway] = peer, upstream
        return upstream

    def _upstream(self, gateway: str, peer: Peer[GatewaySettings]) -> Upstream:
        settings = peer.settings
        base, address = urlsplit(settings.base_url), read_address(settings.base_url)
        return Upstream(
            name=gateway,
            client=self._client(gateway, peer.link.route),
            origin=address.origin,
            host=address.host,
            path=base.path,
            query=base.query,
            headers=lambda: wiring.gateway_headers(settings),
            credentials=wiring.credential_names(settings),
            status_words=settings.status_words,
            request_timeout=settings.request_timeout,
        )

    def _client(self, gateway: str, route: Route) -> StreamClient:
        known = self._clients.get(gateway)
        if known is not None and known[0] == route:
            return known[1]
        client = StreamClient.on(route)
        self._clients[gateway] = route, client
        if known is not None:
            known[1].retire()
        return client

    def takes_callback_urls(self) -> bool:
        return self.config().http.allow_callback_urls

    def order(self, gateway: str, wishes: WatchWishes) -> WatchOrder:
        if wishes == _NONE:
            return WatchOrder(WatchSpec(WatchKey(gateway, _STAND_IN)))
        config = self.config()
        entry: dict[str, object] = {"video_id": _STAND_IN, "gateway": gateway}
        entry["metadata"] = dict(wishes.metadata)
        if wishes.endpoints is not None:
            entry["endpoints"] = list(wishes.endpoints)
        spec = check_watch(entry, config)
        return WatchOrder(
            spec, check_callback(wishes.callback_url, wishes.callback_endpoint, config)
        )

    async def add(self, order: WatchOrder, video_id: str, said: JobAnswer | None) -> bool:
        gateway = order.spec.key.gateway
        named = check_watch({"video_id": video_id, "gateway": gateway}, self.config())
        spec = replace(order.spec, key=named.key)
        # from the commit until the poller runs, no other change of open watches may come between
        async with self.sources.turn:
            watch, created = await self.parts.store.add_passed(spec, order.callback)
            if watch.state is WatchState.OPEN:
                self.follower.add(watch, None if said is None else self._read(spec.key, said))
        if created:
            log.get().info("job_passed", gateway=gateway, video_id=video_id)
        return created

    def count_request(self, gateway: str) -> None:
        scheduler = self.parts.gateways.scheduler(gateway)
        if scheduler is not None:
            scheduler.unplanned.count()
        self.parts.runtime.metrics.passing(gateway)

    def count_outcome(self, gateway: str, outcome: Outcome) -> None:
        self.parts.runtime.metrics.passed(gateway, outcome)

    def read_status(self, gateway: str, video_id: str, said: JobAnswer) -> float | None:
        scheduler = self.parts.gateways.scheduler(gateway)
        if scheduler is None or not scheduler.is_polled(video_id):
            return None
        answer = self._read(WatchKey(gateway, video_id), said)
        return None if answer is None else scheduler.accept_passing(video_id, answer)

    def _read(self, key: WatchKey, said: JobAnswer) -> Seen | None:
        """Return what an answer says about a video, None if it is not about it."""
        if self.parts.gateways.peer(key.gateway) is None:
            return None
        answer = self.parts.gateways.read(key, HttpResponse(*said))
        return answer if isinstance(answer, Seen) else None


async def serve_passthrough(
    relay: Relay,
    sock: socket.socket,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled."""
    async with trio.open_nursery() as nursery:
        await nursery.start(relay.run)
        limit = ConnectionLimit.for_passthrough()
        await nursery.start(AsgiServer(relay, sock, limit, _OPTIONS).run)
        host, port = sock.getsockname()[:2]
        log.get().info("passing_through", at=f"{host} port {port}")
        task_status.started()


def access(settings: PassthroughSettings) -> Access:
    """Return who may use pass-through."""
    assert settings.listen is not None  # noqa: S101 - else there is nothing to access
    secret = settings.token
    return Access(
        lambda: None if secret is None else wiring.reveal(secret),
        accepted_hosts(settings.listen[0]),
    )
