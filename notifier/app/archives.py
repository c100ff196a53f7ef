"""Copies of finished videos, of every gateway with `archive = true`, as the config has it now."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import trio

from notifier import log
from notifier.app import wiring
from notifier.app.connections import Link, Peer, Peers
from notifier.app.restarting import keep_running
from notifier.app.runtime import Runtime
from notifier.archive import (
    ArchiveFolder,
    Copier,
    DownloadDeps,
    Downloads,
    Quota,
    Storage,
    delete_old_copies,
    described,
)
from notifier.archive.downloads import IN_FLIGHT
from notifier.config import ArchiveSettings, Config, GatewaySettings
from notifier.errors import StoreError
from notifier.gateway import ContentClient
from notifier.http_client import Route
from notifier.metrics import Metrics
from notifier.model.event import FollowUp
from notifier.model.views import Row

Publish = Callable[[FollowUp], Awaitable[None]]
_Peers = Mapping[str, Peer[GatewaySettings]]

_LINGER = 60.0


class Draft(NamedTuple):
    """Connections to gateways, and to the hosts that they redirect to."""

    inside: _Peers
    outside: _Peers


class _Running(NamedTuple):
    wanted: tuple[object, ...]
    downloads: Downloads
    scope: trio.CancelScope


class Archives:
    """Runs the downloads of gateways that archive, and deletes old copies."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._inside: Peers[GatewaySettings] = Peers(runtime.connections)
        self._outside: Peers[GatewaySettings] = Peers(runtime.connections)
        self._settings: ArchiveSettings | None = None
        self._storage: Storage | None = None
        self._only: Collection[str] | None = None
        self._running: dict[str, _Running] = {}
        self._deleting = trio.CancelScope()
        self._nursery: trio.Nursery | None = None
        self._publish: Publish | None = None

    async def draft(self, config: Config) -> Draft:
        """Open connections for downloads; raises TransportError."""
        chosen = {name: each for name, each in config.gateways.items() if each.archive}
        inside = await self._inside.draft(
            {name: (each, _link(wiring.gateway_route(each))) for name, each in chosen.items()}
        )
        try:
            outside = await self._outside.draft(
                {
                    name: (each, _link(wiring.content_route(each, config.outbound)))
                    for name, each in chosen.items()
                }
            )
        except BaseException:
            self._inside.discard(inside)
            raise
        return Draft(inside, outside)

    def discard(self, draft: Draft) -> None:
        """Close what a draft that will not be committed has opened."""
        self._inside.discard(draft.inside)
        self._outside.discard(draft.outside)

    def commit(self, config: Config, draft: Draft) -> None:
        """Archive as `config` wants from now on; what is unchanged goes on."""
        self._inside.commit(draft.inside)
        self._outside.commit(draft.outside)
        if config.archive != self._settings:
            self._settings = config.archive
            folder = ArchiveFolder(config.archive.folder)
            quota = Quota(config.archive.max_total_bytes)
            self._storage = Storage(folder, quota, config.archive.max_bytes)
            self._delete_old()
        self._match()

    async def run(self, nursery: trio.Nursery, publish: Publish) -> None:
        """Remove what earlier processes left, then start the downloads in `nursery`."""
        await self._clean()
        self._nursery, self._publish = nursery, publish
        self._delete_old()
        self._match()

    def restrict(self, gateways: Collection[str]) -> None:
        """Download from these gateways alone: other instances do it for the others."""
        self._only = gateways
        self._match()

    def wake(self, gateway: str) -> None:
        """Hint that there may be something to download."""
        if gateway in self._running:
            self._running[gateway].downloads.wake()

    def row(self, gateway: str, waiting: int) -> Row | None:
        """Return how the downloads of a gateway are going, None where none are wanted.

        `waiting` is how many are not over.
        """
        running = self._running.get(gateway)
        if running is None:
            return None
        return {
            "waiting": waiting,
            "downloading": [
                {"video_id": each.video_id, "bytes": each.bytes, "total": each.total}
                for each in running.downloads.progress
            ],
            "last_error": running.downloads.last_error,
        }

    @property
    def totals(self) -> Row | None:
        """Return what the archive holds, None where no gateway archives."""
        if self._storage is None or not self._running:
            return None
        quota = self._storage.quota
        return {
            "folder": str(self._storage.folder.path),
            "bytes": quota.held,
            "max_total_bytes": quota.most,
        }

    async def measure(self, metrics: Metrics) -> None:
        """Set the gauges of what is archived here; they stay when the store is closed."""
        if self._storage is None or not self._running:
            metrics.no_archive()
            return
        with suppress(StoreError):
            waiting = await self._runtime.store.waiting_downloads()
            own = {name: number for name, number in waiting.items() if name in self._running}
            metrics.archive_state(self._storage.quota.held, self._storage.quota.most, own)

    async def _clean(self) -> None:
        storage = self._storage
        if storage is None:
            return
        try:
            wanted = await self._runtime.store.pending_downloads()
            await storage.run(storage.folder.remove_parts, wanted)
            storage.quota.held = await storage.run(storage.folder.size)
        except (StoreError, OSError) as error:
            log.get().warning("archive_not_cleaned", reason=str(error))

    def _match(self) -> None:
        """Run downloads for the present peers that are this instance's, and no others."""
        present = self._inside.present
        if self._only is not None:
            present = {name: peer for name, peer in present.items() if name in self._only}
        for name in self._running.keys() - present.keys():
            self._running.pop(name).scope.cancel()
        if self._nursery is None:
            return
        for name, inside in present.items():
            wanted = (inside, self._outside.present[name], self._storage)
            running = self._running.get(name)
            if running is not None and running.wanted == wanted:
                continue
            if running is not None:
                running.scope.cancel()
            downloads, scope = self._downloads(name), trio.CancelScope()
            self._running[name] = _Running(wanted, downloads, scope)
            self._nursery.start_soon(keep_running, downloads.run, scope, "downloads_crashed", name)

    def _downloads(self, name: str) -> Downloads:
        runtime, storage, settings = self._runtime, self._storage, self._settings
        if storage is None or settings is None or self._publish is None:
            raise RuntimeError("downloads before the first commit")
        runtime.metrics.archiving(name)
        inside, outside = self._inside.present[name], self._outside.present[name]
        rules = wiring.gateway_rules(inside.settings)
        source = ContentClient(
            rules, inside.lease.client, outside.lease.client, runtime.clock.wall
        )
        deps = DownloadDeps(
            runtime.store, self._publish, runtime.clock.now, runtime.seams.rng, runtime.metrics
        )
        return Downloads(
            name,
            Copier(source, storage, runtime.store),
            deps,
            rate=inside.settings.max_requests_per_second,
            allowed=runtime.may_work,
            describe=partial(described, url_prefix=settings.url_prefix),
        )

    def _delete_old(self) -> None:
        """Delete old copies as the settings want it now."""
        self._deleting.cancel()
        storage, settings = self._storage, self._settings
        if self._nursery is None or storage is None or settings is None or settings.keep is None:
            return
        keep, store, now = settings.keep, self._runtime.store, self._runtime.clock.now
        self._deleting = trio.CancelScope()
        run = partial(delete_old_copies, store, storage, keep, now)
        self._nursery.start_soon(keep_running, run, self._deleting, "keep_crashed", "")


def _link(route: Route) -> Link:
    return Link(route, IN_FLIGHT, _LINGER)
