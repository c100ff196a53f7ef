"""The sources of watches: the main file, and drop-ins that come and go while the daemon runs.

A change in the folder is a hint to scan the whole folder again. A scan also follows every few
seconds, because a watched folder that is deleted and made anew sends no more hints. What a scan
finds goes to the store, and what the store then has open goes to the supervisor.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

import trio
from watchfiles import awatch

from notifier import log
from notifier.config import Config
from notifier.config.dropin_folder import Contents, Folder
from notifier.errors import Problem, StoreError
from notifier.model.watch import (
    NO_FILES,
    Listing,
    ListingChange,
    Watch,
    WatchChanges,
)
from notifier.polling.listing_changes import differences
from notifier.polling.mass_loss import LOST_HINT, is_mass_loss
from notifier.wakeup import Wakeup

_SCAN_EVERY = 5.0
"""The time between two scans without a hint, in seconds."""

_SCAN_SHARE = 0.01
"""The most of the time that scans without a hint take."""

_LISTEN_AGAIN = 1.0
_RUST_TIMEOUT_MS = 500


class WatchStore(Protocol):
    """What sources need of the store."""

    async def sync_watches(
        self, listings: Sequence[Listing], gone: Collection[str]
    ) -> list[Watch]:
        """Make the open watches what the sources list, and return all of them."""

    async def change_watches(self, changes: Sequence[ListingChange]) -> WatchChanges:
        """Apply what is different in some sources; return what that did to open watches."""

    async def known_sources(self) -> set[str]:
        """Return the names of the sources that list something."""


class Sources:
    """Keeps the store's open watches equal to what the configuration and its drop-ins list.

    The first scan syncs everything with the store. After that only differences are applied, so
    that the cost of a change does not grow with what did not change.
    """

    def __init__(self, config: Config, store: WatchStore) -> None:
        self._config = config
        self._store = store
        self._folder = Folder(config)
        self._synced: dict[str, Listing] | None = None
        self._unsynced = {config.listing.source: config.listing}
        self._gone: set[str] = set()
        self._hints: set[str] | None = None
        """The files that changed since `run` looked last; None to scan the whole folder."""
        self._listening = trio.CancelScope()
        self.turn = trio.Lock()
        """Held while the open watches change: from the store's commit until pollers match."""
        self._reported: set[Problem] = set()
        self._wakeup = Wakeup()
        self._log = log.get()

    def change(self, config: Config) -> None:
        """Use `config` from now on; the next `read` reads every file again."""
        if config.watch_dir != self._config.watch_dir:
            self._listening.cancel()
        self._config = config
        self._folder = Folder(config)
        self._unsynced = {config.listing.source: config.listing}
        self._hints = None

    def forget(self) -> None:
        """Sync everything with the store again, which may have lost something."""
        self._synced = None
        self._folder = Folder(self._config)
        self._unsynced = {self._config.listing.source: self._config.listing}
        self._scan_all()

    async def update(
        self, apply: Callable[[WatchChanges], None], only: Collection[str] | None = None
    ) -> None:
        """Scan (the files in `only`, if given), and `apply` what changed; raises StoreError."""
        async with self.turn:
            apply(await self.read(only))

    async def read(self, only: Collection[str] | None = None) -> WatchChanges:
        """Scan, and return what that did to open watches: at first, all are `opened`.

        Raises StoreError when the store refuses the change; the next call tries again.
        """
        # a shutdown does not wait for a file that takes long
        contents = await trio.to_thread.run_sync(self._folder.scan, only, abandon_on_cancel=True)
        self._report(contents.problems)
        self._note(contents)
        if self._synced is None:
            return WatchChanges(opened=await self._sync(contents))
        changes = differences(self._synced, self._unsynced, self._gone)
        done = await self._store.change_watches(changes) if changes else WatchChanges()
        lost = self._lost_files(self._synced.keys())
        for source in self._gone:
            self._synced.pop(source, None)
        self._synced |= self._unsynced
        self._unsynced, self._gone = {}, set()
        return done._replace(lost_files=lost) if done.withdrawn else done

    def _lost_files(self, known: Collection[str]) -> int:
        """Return how many of the `known` sources are gone, 0 if that is nothing unusual."""
        files = set(known) - {self._config.listing.source} - NO_FILES
        gone = len(files & self._gone)
        return gone if is_mass_loss(gone, len(files)) else 0

    def _note(self, contents: Contents) -> None:
        """Add a scan to what the store does not have yet."""
        gone = set(contents.gone)
        if contents.names is not None and self._synced is not None:
            gone |= self._synced.keys() - contents.names - {self._config.listing.source}
        for source in gone:
            self._unsynced.pop(source, None)
        listed = {listing.source: listing for listing in contents.listings}
        self._unsynced |= listed
        self._gone = (self._gone | gone) - listed.keys()

    async def _sync(self, contents: Contents) -> list[Watch]:
        """Sync every source with the store, for the first time."""
        gone = set[str]()
        if contents.names is not None:
            known = await self._store.known_sources()
            gone = known - contents.names - {self._config.listing.source} - NO_FILES
            self._gone = gone
            if lost := self._lost_files(known):
                self._log.warning("dropins_lost", files=lost, hint=LOST_HINT)
        watches = await self._store.sync_watches(list(self._unsynced.values()), gone)
        self._synced, self._unsynced, self._gone = self._unsynced, {}, set()
        return watches

    def _report(self, problems: Sequence[Problem]) -> None:
        """Log each problem once, for as long as it lasts."""
        for problem in problems:
            if problem not in self._reported:
                self._log.error("dropin_ignored", **problem.fields())
        self._reported = set(problems)

    async def run(self, apply: Callable[[WatchChanges], None]) -> None:
        """Scan whenever something may have changed, and `apply` what that changed."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hint)
            pause = _SCAN_EVERY
            while True:
                hinted = await self._wakeup.wait(pause)
                began = trio.current_time()
                hints, self._hints = self._hints, set()
                try:
                    await self.update(apply, hints if hinted else None)
                    if not hinted:
                        pause = max(_SCAN_EVERY, (trio.current_time() - began) / _SCAN_SHARE)
                except StoreError as error:
                    self._hints = None
                    self._log.error("sources_wait_for_store", reason=str(error))

    async def _hint(self) -> None:
        """Wake `run` when the folder changes; start over when it goes away."""
        while True:
            self._listening = trio.CancelScope()
            try:
                with self._listening:
                    await self._listen(self._config.watch_dir)
            except Exception as error:  # noqa: BLE001 - also a group of whatever Rust found odd
                # missing, no inotify watches left, a name that is no text: the regular scans
                # find everything all the same
                self._log.debug("folder_not_watched", reason=type(error).__name__)
            await trio.sleep(_LISTEN_AGAIN)

    async def _listen(self, folder: Path) -> None:
        """Wake `run` at each change; return when `folder` is another folder than at the start."""
        inode = _inode(folder)
        # the thread behind this ends only with its timeout, and so does a cancelled wait for it
        watching = awatch(
            folder, rust_timeout=_RUST_TIMEOUT_MS, yield_on_timeout=True, recursive=False
        )
        self._scan_all()  # for changes before this began to listen
        async with aclosing(watching):
            async for changes in watching:
                if changes:
                    self._hint_at(Path(path).name for _, path in changes)
                elif _inode(folder) != inode:
                    self._scan_all()
                    return

    def _hint_at(self, names: Iterable[str]) -> None:
        if self._hints is not None:
            self._hints.update(names)
        self._wakeup.notify()

    def _scan_all(self) -> None:
        self._hints = None
        self._wakeup.notify()


def _inode(folder: Path) -> int:
    return folder.stat().st_ino
