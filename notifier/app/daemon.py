"""The daemon's life cycle: recover, poll and deliver, stop polling, drain, close.

Two nurseries make the shutdown two-phased. The inner one polls and is cancelled first: a poll
that is cut off is repeated at the next start. The outer one delivers and gets ten seconds to
finish what is in flight; what it cannot finish is still in the store and is sent at the next
start.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import trio

from notifier import __version__, log
from notifier.app import wiring
from notifier.app.assembly import Parts, assemble
from notifier.app.connections import Connections
from notifier.app.listeners import (
    ControlListener,
    open_listeners,
    page_address,
    serve_listeners,
    token_of,
)
from notifier.app.log_report import report_suppressed_lines
from notifier.app.opening import Opened, open_for_work
from notifier.app.operations import DaemonOperations
from notifier.app.passing import PassedJobs, access, open_passthrough, serve_passthrough
from notifier.app.reloading import Reloader
from notifier.app.runtime import Runtime, Seams
from notifier.app.share import Share
from notifier.app.watchdog import Watchdog
from notifier.config import Config
from notifier.errors import StoreError
from notifier.metrics import Metrics
from notifier.model.watch import Watch
from notifier.page import Activity, Page
from notifier.passthrough import Relay
from notifier.polling import OpenVideos, Sources, Supervisor
from notifier.schedule.clock import Clock
from notifier.store import Store
from notifier.systemd import ServiceManager
from notifier.wakeup import Wakeup

DRAIN_SECONDS = 10.0
"""How long the shutdown waits for deliveries in flight."""

_HAND_OVER = 20.0
_CLOSING_SECONDS = 10.0
_LOOK_AGAIN = 60.0
_STORE_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """How this run differs from running for ever."""

    exit_when_done: bool = False
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """How the outside stops and reloads the daemon, and how it learns of its state.

    `announce` is called with the page's address once it is served.
    """

    stop: trio.Event
    reload: Wakeup = field(default_factory=Wakeup)
    manager: ServiceManager = field(default_factory=ServiceManager)
    announce: Callable[[str], None] = lambda _: None


async def run_daemon(
    config: Config,
    lifecycle: Lifecycle,
    *,
    options: Options = Options(),
    seams: Seams | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> int:
    """Poll and deliver until `lifecycle.stop` is set; return the process's exit code.

    With `options.exit_when_done` it ends by itself once nothing is left to do: with 0, or with 1
    when something ended undelivered. Raises StoreRefusedError when the state may not be used,
    StoreError when it cannot be read at the start, SocketRefusedError when the control API's
    address cannot be listened on.
    """
    seams = seams or Seams()
    clock = Clock(seams.wall, seams.steady)
    metrics = Metrics()
    opened = await open_for_work(
        config, clock, seams, metrics, adopt=options.adopt, stop=lifecycle.stop
    )
    if opened is None:
        return 0
    try:
        async with trio.open_nursery() as resources:
            connections = Connections(resources)
            runtime = Runtime(opened.store, clock, seams, connections, metrics, trust=opened.trust)
            parts = await assemble(config, runtime)
            with (
                open_listeners(config.http) as listeners,
                open_passthrough(config.passthrough) as passing,
            ):
                daemon = _Daemon(config, parts, opened, lifecycle, listeners, passing)
                code = await daemon.run(options, task_status)
            resources.cancel_scope.cancel()
        return code
    finally:
        with trio.CancelScope(shield=True):
            await _close(opened.store)


async def _close(store: Store) -> None:
    try:
        await store.release_interrupted()
    except StoreError as error:
        # nothing is lost: the next start finds them in flight and does the same
        log.get().error("not_released", reason=str(error))
    await store.close()


@dataclass(slots=True)
class _Daemon:
    """The parts, running."""

    config: Config
    parts: Parts
    opened: Opened
    lifecycle: Lifecycle
    listeners: Sequence[ControlListener]
    passing: socket.socket | None
    relay: Relay | None = None

    async def run(
        self,
        options: Options,
        task_status: trio.TaskStatus[None],
    ) -> int:
        """Run both phases; return the exit code."""
        sources = Sources(self.config, self.parts.store)
        watches: list[Watch] = []
        await sources.update(lambda found: watches.extend(found.opened))
        dispatcher = self.parts.endpoints.dispatcher
        code = 0
        async with trio.open_nursery() as delivering:
            await delivering.start(dispatcher.run)
            async with trio.open_nursery() as polling:
                await polling.start(self.parts.gateways.run)
                supervisor = self._supervisor(polling)
                supervisor.apply(watches, starting=True)
                share = self.opened.share(self.parts, sources, supervisor, self.config)
                await polling.start(share.run)
                await polling.start(self._keep_running, sources, supervisor, share)
                self._log_start(supervisor.polling + supervisor.orphans)
                task_status.started()
                if options.exit_when_done:
                    polling.start_soon(
                        _notify_after, self.lifecycle.stop, self.parts.runtime.settled
                    )
                    code = await self._until_done(supervisor, share)
                else:
                    await self.lifecycle.stop.wait()
                await self._stop_passing()
                log.get().info("stopping", drain_seconds=DRAIN_SECONDS)
                self.lifecycle.manager.stopping(_HAND_OVER + DRAIN_SECONDS + _CLOSING_SECONDS)
                await share.hand_over()
                polling.cancel_scope.cancel()
            await self.parts.readings.flush()
            dispatcher.stop()
            delivering.cancel_scope.deadline = trio.current_time() + DRAIN_SECONDS
        log.get().info("stopped")
        return code

    async def _keep_running(
        self,
        sources: Sources,
        supervisor: Supervisor,
        share: Share,
        *,
        task_status: trio.TaskStatus[None],
    ) -> None:
        """Run everything that goes on beside polling and delivering."""
        parts = self.parts
        watchdog = self._watchdog()
        reloader = Reloader(self.config, parts, sources, share, watchdog)
        operations = DaemonOperations(parts, sources, supervisor, share, reloader)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(parts.readings.run)
            nursery.start_soon(sources.run, share.follower.apply_changes)
            nursery.start_soon(reloader.run, self.lifecycle.reload)
            nursery.start_soon(report_suppressed_lines)
            page = self._page(operations, supervisor)
            nursery.start_soon(page.run)
            await nursery.start(
                serve_listeners, self.listeners, operations, page, self.config.path
            )
            if self.passing is not None:
                jobs = PassedJobs(parts, sources, share.follower, lambda: reloader.config)
                self.relay = Relay(jobs, access(self.config.passthrough))
                await nursery.start(serve_passthrough, self.relay, self.passing)
            for listener in self.listeners:
                if listener.sock.family != socket.AF_UNIX:
                    self.lifecycle.announce(page_address(listener.sock))
            await watchdog.ready()
            nursery.start_soon(watchdog.run)
            task_status.started()

    async def _stop_passing(self) -> None:
        """Wait for answers to what gateways have taken: their jobs are not known yet."""
        if self.relay is not None and (patience := self.relay.patience):
            log.get().info("waiting_for_answers", seconds=patience)
            self.lifecycle.manager.stopping(patience + DRAIN_SECONDS + _CLOSING_SECONDS)
        if self.relay is not None:
            await self.relay.close()

    def _page(self, operations: DaemonOperations, supervisor: Supervisor) -> Page:
        return Page(
            operations,
            OpenVideos(supervisor.pollers, self.parts.gateways.last_poll),
            self.parts.store,
            Activity(self.parts.runtime.metrics.activity),
            token_of(self.config.http),
            is_shared=self.opened.trust is not None,
        )

    def _watchdog(self) -> Watchdog:
        parts = self.parts
        return Watchdog(
            self.lifecycle.manager,
            parts.store,
            lateness=lambda: max(parts.gateways.lateness(), parts.endpoints.dispatcher.lateness()),
            failing=parts.endpoints.count_failing,
            paused=parts.gateways.count_paused,
            now=parts.runtime.clock.now,
            unanswered=parts.gateways.count_failing,
        )

    def _supervisor(self, nursery: trio.Nursery) -> Supervisor:
        return Supervisor(
            nursery,
            self.parts.poller,
            spread=self.parts.gateways.spread,
            rng=self.parts.runtime.seams.rng,
            settled=self.parts.runtime.settled,
        )

    def _log_start(self, watches: int) -> None:
        log.get().info(
            "started",
            version=__version__,
            config=str(self.config.path),
            store=wiring.store_shown(self.config),
            watches=watches,
            gateways=sorted(self.config.gateways),
            endpoints=sorted(self.config.endpoints),
        )

    async def _until_done(self, supervisor: Supervisor, share: Share) -> int:
        """Wait until nothing is left to do, or for the stop; return the exit code."""
        while not self.lifecycle.stop.is_set():
            # before the count, which then has what was discovered until here
            discovered = share.discoveries.have_settled
            try:
                left = await self.parts.store.outstanding(self.parts.began)
            except StoreError as error:
                log.get().error("waits_for_store", reason=str(error))
                await trio.sleep(_STORE_PAUSE)
                continue
            counts = left.deliveries
            done = left.open_watches <= supervisor.orphans and not counts.pending
            if done and discovered:
                undelivered = counts.dead + counts.cancelled + counts.held
                return 1 if undelivered or supervisor.orphans else 0
            await self.parts.runtime.settled.wait(_LOOK_AGAIN)
        return 0


async def _notify_after(event: trio.Event, wakeup: Wakeup) -> None:
    await event.wait()
    wakeup.notify()
