"""The store's operations on watches: what sources list, discovery finds and the API adds."""

from collections.abc import Collection, Sequence

from notifier.errors import NotifierError
from notifier.model.discovery import DiscoveryRecord, FoundJob, Mark
from notifier.model.watch import (
    Callback,
    Listing,
    ListingChange,
    Observation,
    Watch,
    WatchChanges,
    WatchKey,
    WatchSpec,
)
from notifier.store import api_watches, discovery, listings, watch_batches, watches
from notifier.store.transactions import Transactions
from notifier.store.watch_batches import Added, Addition


class WatchOperations(Transactions):
    """What sources list and discovery finds; every method raises StoreError."""

    async def sync_watches(
        self, listings: Sequence[Listing], gone: Collection[str]
    ) -> list[Watch]:
        """Make the open watches what the sources list, and return all of them."""
        return await self._transact_long(watches.sync, listings, gone, self._now())

    async def change_watches(self, changes: Sequence[ListingChange]) -> WatchChanges:
        """Apply what is different in some sources; return what that did to open watches.

        Many changes are many transactions, so that other operations go between them. When one
        fails, those before it stay: the same changes can be applied again.
        """
        opened, updated, withdrawn = list[Watch](), list[Watch](), list[int]()
        for batch in listings.batches(changes):
            done = await self._transact_long(watches.change, batch, self._now())
            opened += done.opened
            updated += done.updated
            withdrawn += done.withdrawn
        return WatchChanges(opened, updated, withdrawn)

    async def known_sources(self) -> set[str]:
        """Return the names of the sources that list something."""
        return await self._query(listings.known_sources)

    async def discovery(self, gateway: str, base_url: str) -> DiscoveryRecord:
        """Return what discovery remembers of a gateway; `base_url` is a digest of its URL."""
        return await self._query(discovery.load, gateway, base_url)

    async def record_discovered(
        self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
    ) -> list[Watch]:
        """Commit jobs that a walk found, their watches and the mark; return the watches opened."""
        now = self._now()
        return await self._transact_long(discovery.record, gateway, found, walk, mark, now)

    async def confirm_discovered(
        self, gateway: str, epoch: int, key: str, *, runs: bool
    ) -> list[Watch]:
        """Commit what a single answer decided about a job; return the watch if that opened it."""
        now = self._now()
        return await self._transact(discovery.confirm, gateway, epoch, key, now, runs=runs)

    async def forget_discovered(
        self, gateway: str, mark: Mark, kept: int
    ) -> tuple[list[str], int | None]:
        """Remove a batch of old jobs; return their keys, and the floor that they are behind."""
        return await self._transact_long(discovery.forget, gateway, mark, kept)

    async def forget_earlier_discovered(self, gateway: str, epoch: int) -> int:
        """Remove a batch of the jobs of an earlier base_url; return how many."""
        return await self._transact_long(discovery.forget_earlier, gateway, epoch)

    async def save_observations(self, observations: Sequence[Observation]) -> None:
        """Store the last observation of open watches."""
        await self._transact(watches.save_observations, observations)

    async def add_watch(
        self, spec: WatchSpec, *, again: bool, callback: Callback | None = None
    ) -> tuple[Watch, bool]:
        """Take a watch for the control API; tell whether that made it open.

        Raises ConflictError when it is open with other settings.
        """
        return await self._transact(api_watches.add, spec, callback, self._now(), again=again)

    async def add_watches(self, additions: Sequence[Addition]) -> list[Added | NotifierError]:
        """Add watches for the control API in one transaction; return each outcome.

        A single one may share its commit with other operations.
        """
        run = self._transact if len(additions) == 1 else self._transact_long
        return await run(watch_batches.add_many, additions, self._now())

    async def add_passed(
        self, spec: WatchSpec, callback: Callback | None = None
    ) -> tuple[Watch, bool]:
        """Take the watch of a job whose creation was passed through; tell whether it is new."""
        return await self._transact(api_watches.add_passed, spec, callback, self._now())

    async def remove_watch(self, key: WatchKey) -> int:
        """Withdraw a watch that only the control API lists; return its row.

        Raises UnknownError when it is not open, ConflictError when a file lists it.
        """
        return await self._transact(api_watches.remove, key, self._now())

    async def remove_watches(self, keys: Sequence[WatchKey]) -> list[int | NotifierError]:
        """Withdraw many watches in one transaction; return the row of each, or its error."""
        run = self._transact if len(keys) == 1 else self._transact_long
        return await run(watch_batches.remove_many, keys, self._now())
