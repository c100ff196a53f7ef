"""Reloads the config of a running daemon: what is different changes, everything else goes on.

A config that cannot be used changes nothing at all: everything that may fail (reading, secrets,
certificates, connections, the store) comes before the first change.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import trio

from notifier import log
from notifier.app import wiring
from notifier.app.assembly import Parts
from notifier.app.connections import Difference
from notifier.app.endpoints import report_reconciled
from notifier.app.share import Share
from notifier.app.watchdog import Watchdog
from notifier.config import Config, load, obstacles, warnings
from notifier.config.named_files import file_digests
from notifier.errors import ConfigError, NotifierError, StoreError
from notifier.model.delivery import CancelledDeliveries
from notifier.model.watch import WatchChanges
from notifier.store import recorded_config
from notifier.wakeup import Wakeup

_FOR_EVER = 24 * 3600.0


class Source(Protocol):
    """What a reload needs of the sources of watches."""

    def change(self, config: Config) -> None:
        """Read the watches that `config` lists from now on."""

    async def update(self, apply: Callable[[WatchChanges], None]) -> None:
        """Read the sources again, and pass what that changed to `apply`."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload changed.

    `files` are those that the config named before and names now, with other content than at the
    last reload. `needs_restart` are the keys whose change it could not apply, `cancelled` the
    deliveries to endpoints that it removed.
    """

    gateways: Difference
    endpoints: Difference
    files: tuple[Path, ...]
    needs_restart: tuple[str, ...]
    cancelled: Sequence[CancelledDeliveries] = ()


def read_again(config: Config) -> Config:
    """Return the config as its file has it now; raises ConfigError unless it is ready to run."""
    new = load(config.path, os.environ, recorded_config)
    problems = obstacles(new)
    if problems:
        raise ConfigError(problems)
    return new


@dataclass(slots=True)
class Reloader:
    """Reloads `config` from its file, one reload at a time."""

    config: Config
    parts: Parts
    sources: Source
    share: Share
    watchdog: Watchdog
    read: Callable[[Config], Config] = read_again
    started: Config = field(init=False)
    """The config of the start, which holds for the keys that only a restart changes."""
    _digests: Mapping[Path, str] = field(init=False)
    _lock: trio.Lock = field(default_factory=trio.Lock)

    def __post_init__(self) -> None:
        self.started = self.config
        self._digests = file_digests(self.config)

    async def run(self, wakeup: Wakeup) -> None:
        """Reload at every notification, for ever; failures are in the log."""
        while True:
            if await wakeup.wait(_FOR_EVER):
                try:
                    await self.reload()
                except NotifierError:
                    continue

    async def reload(self) -> Reloaded:
        """Apply what is different in the file.

        Raises ConfigError, TransportError or StoreError: then nothing has changed, and the log
        says why.
        """
        async with self._lock:
            self.watchdog.manager.reloading()
            try:
                config = await trio.to_thread.run_sync(self.read, self.config)
                digests = await trio.to_thread.run_sync(file_digests, config)
                done = await self._apply(config, digests)
            except NotifierError as error:
                self._report_failure(error)
                self.watchdog.trouble = f"reload failed: {str(error).splitlines()[0]}"
                self.parts.runtime.metrics.config_refused()
                raise
            else:
                self.watchdog.trouble = ""
                self.parts.runtime.metrics.configured(config.gateways, wiring.lanes(config))
                self.parts.runtime.metrics.config_loaded(self.parts.runtime.clock.wall())
            finally:
                # in any case: systemd would otherwise wait for the end of a reload that failed
                await self.watchdog.ready()
            await self._update_watches()
            # last: a watch that was withdrawn with its gateway is not left without one
            for name in done.gateways.removed:
                self.share.follower.release(name)
        log.get().info(
            "reloaded",
            config=str(config.path),
            **_fields("gateways", done.gateways),
            **_fields("endpoints", done.endpoints),
            **({"files_changed": [str(path) for path in done.files]} if done.files else {}),
        )
        for warning in warnings(config):
            log.get().warning("config_warning", **warning.fields())
        if done.needs_restart:
            log.get().warning("restart_needed", keys=list(done.needs_restart))
        return done

    async def _apply(self, config: Config, digests: Mapping[Path, str]) -> Reloaded:
        """Draft everything that may fail, then commit it all at once."""
        parts = self.parts
        with ExitStack() as drafts:
            gateways = await parts.gateways.draft(config.gateways)
            drafts.callback(parts.gateways.discard, gateways)
            archives = await parts.follow_ups.archives.draft(config)
            drafts.callback(parts.follow_ups.archives.discard, archives)
            endpoints = await parts.endpoints.draft(config)
            drafts.callback(parts.endpoints.discard, endpoints)
            marks = wiring.url_marks(config)
            reconciled = await parts.store.reconcile_endpoints(marks)
            drafts.pop_all()
        needs_restart = tuple(key for key, of in _FIXED.items() if of(config) != of(self.started))
        different = parts.gateways.commit(gateways)
        self.share.discoveries.change(config.gateways)
        parts.follow_ups.change(config, archives)
        moved = parts.endpoints.commit(endpoints, reconciled.health)
        files = _different(self._digests, digests)
        self.config, self._digests = config, digests
        self.sources.change(config)
        self.share.change(config)
        log.set_level(config.log_level)
        report_reconciled(reconciled)
        late = await self._cancel_late(marks) if moved.removed else ()
        parts.endpoints.dispatcher.wake(reconciled.enabled)
        cancelled = (*reconciled.cancelled, *late)
        return Reloaded(different, moved, files, needs_restart, cancelled)

    async def _cancel_late(self, marks: Mapping[str, str]) -> Sequence[CancelledDeliveries]:
        """Cancel what was recorded for a removed endpoint while the change was being made."""
        try:
            reconciled = await self.parts.store.reconcile_endpoints(marks)
        except StoreError as error:
            # the next start does it
            log.get().error("deliveries_not_cancelled", reason=str(error))
            return ()
        report_reconciled(reconciled)
        return reconciled.cancelled

    async def _update_watches(self) -> None:
        try:
            await self.sources.update(self.share.follower.apply_changes)
        except StoreError as error:
            # the sources read again by themselves
            log.get().error("sources_wait_for_store", reason=str(error))

    def _report_failure(self, error: NotifierError) -> None:
        if not isinstance(error, ConfigError):
            log.get().error("reload_failed", reason=str(error))
            return
        for problem in error.problems:
            log.get().error("reload_failed", **problem.fields())


_FIXED: Mapping[str, Callable[[Config], object]] = {
    "store.path": lambda config: config.store_path,
    # without its password, which may be changed
    "store.url": lambda config: config.store.url and wiring.store_shown(config),
    "cluster": lambda config: config.cluster,
    "log.format": lambda config: config.log_format,
    "http": lambda config: (
        config.http.socket if config.http.socket_named else None,
        config.http.socket_group,
        config.http.listen,
        config.http.token,
    ),
    "passthrough": lambda config: config.passthrough,
}


def _different(before: Mapping[Path, str], after: Mapping[Path, str]) -> tuple[Path, ...]:
    return tuple(path for path in after if path in before and before[path] != after[path])


def _fields(what: str, difference: Difference) -> Mapping[str, object]:
    return {
        f"{what}_{how}": list(names)
        for how, names in (
            ("added", difference.added),
            ("changed", difference.changed),
            ("removed", difference.removed),
        )
        if names
    }
