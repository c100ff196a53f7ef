"""Implements the operations of the control API with the daemon's parts."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import trio

from notifier import __version__
from notifier.app import wiring
from notifier.app.assembly import Parts
from notifier.app.callbacks import check_callback
from notifier.app.connections import Difference
from notifier.app.endpoints import resending_command
from notifier.app.redaction import endpoint_rows, named_endpoint
from notifier.app.reloading import Reloader
from notifier.app.sample_events import sample_event, sample_type
from notifier.app.share import Share
from notifier.app.watchdog import LATE
from notifier.config import EndpointSettings, check_watch
from notifier.config.bad_value import BadValueError, quoted
from notifier.control.operations import AddedWatch, WatchRequest
from notifier.errors import ConfigError, NotifierError, Problem, StoreError, UnknownError
from notifier.formats.rerender import rerender
from notifier.metrics import CONTENT_TYPE
from notifier.model.cluster_view import ClusterView
from notifier.model.views import EventSummary, EventView, Row, WatchView
from notifier.model.watch import WatchKey, WatchState
from notifier.polling import Sources, Supervisor
from notifier.store.queries import EventFilter, WatchFilter
from notifier.store.resending import Recipient, Replay, Replayed
from notifier.store.watch_batches import Addition

_STORE_PATIENCE = 5.0


@dataclass(slots=True)
class DaemonOperations:
    """Operations on a running daemon; `notifier.control.Operations` says what each does."""

    parts: Parts
    sources: Sources
    supervisor: Supervisor
    share: Share
    reloader: Reloader

    async def add_watches(
        self, requests: Sequence[WatchRequest]
    ) -> Sequence[AddedWatch | NotifierError]:
        checked = [self._checked(request) for request in requests]
        good = [each for each in checked if isinstance(each, Addition)]
        # from the commit until the pollers run, no other change of open watches may come between
        async with self.sources.turn:
            outcomes = iter(await self._add(good))
        return [next(outcomes) if isinstance(each, Addition) else each for each in checked]

    def _checked(self, request: WatchRequest) -> Addition | ConfigError:
        config = self.reloader.config
        try:
            spec = check_watch(request.entry, config)
            callback = check_callback(request.callback_url, request.callback_endpoint, config)
        except ConfigError as error:
            return error
        return Addition(spec, request.again, callback)

    async def _add(self, additions: Sequence[Addition]) -> list[AddedWatch | NotifierError]:
        outcomes = await self.parts.store.add_watches(additions) if additions else []
        for each in outcomes:
            if not isinstance(each, NotifierError) and each.watch.state is WatchState.OPEN:
                self.share.follower.add(each.watch)
        return [
            each if isinstance(each, NotifierError) else AddedWatch(each.view, each.created)
            for each in outcomes
        ]

    async def remove_watches(self, keys: Sequence[WatchKey]) -> Sequence[NotifierError | None]:
        async with self.sources.turn:
            outcomes = await self.parts.store.remove_watches(keys)
            for outcome in outcomes:
                if not isinstance(outcome, NotifierError):
                    self.share.follower.drop(outcome)
        return [each if isinstance(each, NotifierError) else None for each in outcomes]

    async def watches(self, wanted: WatchFilter) -> list[WatchView]:
        return [self._with_last_poll(view) for view in await self.parts.store.watches(wanted)]

    async def watch(self, key: WatchKey) -> WatchView:
        view = await self.parts.store.watch(key)
        if view is None or view.watch.state is WatchState.WITHDRAWN:
            raise UnknownError(f"{key} is not watched")
        return self._with_last_poll(view)

    def _with_last_poll(self, view: WatchView) -> WatchView:
        if view.watch.state is not WatchState.OPEN:
            return view
        return replace(view, last_poll=self.parts.gateways.last_poll(view.watch.key))

    async def events(self, wanted: EventFilter) -> list[EventSummary]:
        return await self.parts.store.events(wanted)

    async def event(self, event_id: str) -> EventView:
        view = await self.parts.store.event(event_id)
        if view is None:
            raise _no_event(event_id)
        return view

    async def resend(self, event_id: str, endpoints: Sequence[str] | None) -> list[str]:
        if endpoints is None:
            view = await self.event(event_id)
            known = wiring.lanes(self.reloader.config)
            asked = [known[each.endpoint] for each in view.deliveries if each.endpoint in known]
        else:
            asked = [self._endpoint(name) for name in endpoints]
        recipients = [_recipient(settings) for settings in asked]
        names = await self.parts.store.resend(event_id, recipients, rerender)
        if names is None:
            raise _no_event(event_id)
        self.parts.endpoints.dispatcher.wake(names)
        return names

    async def replay(self, wanted: Replay, endpoints: Sequence[str] | None) -> Replayed:
        names = list(self.reloader.config.endpoints) if endpoints is None else endpoints
        recipients = [_recipient(self._endpoint(name)) for name in names]
        done = await self.parts.store.replay(wanted, recipients, rerender)
        due = [name for name, count in done.counts.items() if count]
        self.parts.endpoints.dispatcher.wake(due)
        return done

    async def endpoints(self) -> list[Row]:
        return await self._endpoint_rows(await self.parts.store.cluster())

    async def _endpoint_rows(self, cluster: ClusterView) -> list[Row]:
        views = await self.parts.store.endpoint_views()
        return [
            {**row, "failing": self.parts.endpoints.is_failing(str(row["name"]))}
            for row in endpoint_rows(self.reloader.config, views, cluster.lanes)
        ]

    async def instances(self) -> list[Row]:
        return (await self.parts.store.cluster()).as_rows()

    async def drain(self, instance: str) -> None:
        await self.parts.store.drain(instance)

    async def undrain(self, instance: str) -> None:
        await self.parts.store.undrain(instance)

    async def enable(self, endpoint: str) -> bool:
        self._endpoint(endpoint)
        enabled = await self.parts.store.enable_endpoint(endpoint)
        if enabled:
            self.parts.endpoints.enabled(endpoint)
        return enabled

    async def test(self, endpoint: str, event_type: str) -> Row:
        settings = self._endpoint(endpoint)
        try:
            wanted = sample_type(event_type)
        except BadValueError as error:
            problem = Problem("request", "type", str(error), error.hint)
            raise ConfigError([problem]) from None
        gateways = self.reloader.config.gateways
        event = sample_event(wiring.rendering(settings), wanted, time.time(), gateways)
        outcome = await self.parts.endpoints.send_once(endpoint, event.id, event.body)
        return {
            "event_id": event.id,
            "type": wanted.value,
            "delivered": outcome.delivered,
            "outcome": outcome.word,
            "status": outcome.status,
            "detail": outcome.detail,
        }

    async def reload(self) -> Row:
        done = await self.reloader.reload()
        return {
            "gateways": _difference(done.gateways),
            "endpoints": _difference(done.endpoints),
            "files": [str(path) for path in done.files],
            "needs_restart": list(done.needs_restart),
            "cancelled": [
                {
                    "endpoint": each.endpoint,
                    "deliveries": each.count,
                    "command": resending_command(each),
                }
                for each in done.cancelled
            ],
        }

    async def status(self) -> Row:
        open_watches = await self.parts.store.open_watches()
        cluster = await self.parts.store.cluster()
        endpoints = await self._endpoint_rows(cluster)
        archives = self.parts.follow_ups.archives
        waiting = await self.parts.store.waiting_downloads()
        config = self.reloader.config
        return {
            "version": __version__,
            "pid": os.getpid(),
            "config": str(config.path),
            "store": wiring.store_shown(self.reloader.started),
            "uptime_seconds": round(self.parts.runtime.clock.now() - self.parts.began),
            "watches": {"open": sum(open_watches.values()), "polled": self.supervisor.polling},
            "gateways": [
                {
                    "name": name,
                    "open_watches": open_watches.get(name, 0),
                    **self.parts.gateways.condition(name),
                    "granted_requests_per_second": cluster.granted(name),
                    "discovery": self.share.discoveries.row(name),
                    "archive": archives.row(name, waiting.get(name, 0)),
                }
                for name in config.gateways
            ],
            "endpoints": endpoints,
            "instances": cluster.as_rows(),
            "archive": archives.totals,
        }

    async def ready(self) -> Mapping[str, bool]:
        writable = False
        with trio.move_on_after(_STORE_PATIENCE), suppress(StoreError):
            await self.parts.store.touch()
            writable = True
        return {"store": writable, "loops": self.reloader.watchdog.lateness() <= LATE}

    async def metrics(self) -> tuple[bytes, str]:
        metrics = self.parts.runtime.metrics
        metrics.gateways_up(self.parts.gateways.answering())
        metrics.lists_readable(self.share.discoveries.reading())
        await self.parts.follow_ups.archives.measure(metrics)
        await metrics.refresh(self.parts.store)
        return metrics.render(), CONTENT_TYPE

    def _endpoint(self, name: str) -> EndpointSettings:
        return named_endpoint(self.reloader.config, name)


def _no_event(event_id: str) -> UnknownError:
    shown = quoted(event_id)
    return UnknownError(f"there is no event {shown}" if shown else "there is no such event")


def _recipient(settings: EndpointSettings) -> Recipient:
    return Recipient(settings.name, wiring.rendering(settings).name, settings.events)


def _difference(difference: Difference) -> Row:
    return {
        "added": list(difference.added),
        "changed": list(difference.changed),
        "removed": list(difference.removed),
    }
