"""Watches in SQL, as one of several instances lists them.

A file of an instance is the source `INSTANCE:path`: only the instance of that name can say that
it lists something no more. What changes a watch puts it into the mailbox of its owner, in the same
transaction.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from notifier.model.watch import NO_FILES, Listing, ListingChange, WatchChanges
from notifier.store import listings, mailbox, watches
from notifier.store.connection import LOCK, Connection

_SETTINGS = "id, generation, endpoints, metadata, give_up_after"


def own_sources(db: Connection, name: str) -> set[str]:
    """Return the files of an instance that list something, as it calls them itself."""
    prefix = _source(name, "")
    known = listings.known_sources(db)
    return {source.removeprefix(prefix) for source in known if source.startswith(prefix)}


def _alone_with_files(db: Connection) -> None:
    """Keep other instances from changing what files list until the end of this transaction.

    A watch that moves from one instance's file to another's would be withdrawn if each saw the
    other's listing as it was.
    """
    db.execute("SELECT 1 FROM meta m WHERE key = 'store_id' " + LOCK.format("m"))


def sync(
    db: Connection,
    listed: Sequence[Listing],
    gone: Collection[str],
    name: str,
    now: float,
) -> None:
    """Make the open watches what all sources list; those that change are posted."""
    _alone_with_files(db)
    before = dict(_open_settings(db))
    own = [Listing(_source(name, listing.source), listing.specs) for listing in listed]
    watches.take_listed(db, own, [_source(name, source) for source in gone], now)
    after = dict(_open_settings(db))
    changed = [row for row, settings in after.items() if before.get(row) != settings]
    mailbox.post(db, [*changed, *(before.keys() - after.keys())])


def _open_settings(db: Connection) -> Iterator[tuple[int, tuple[object, ...]]]:
    rows = db.execute(f"SELECT {_SETTINGS} FROM watches WHERE state = 'open'")
    return ((row[0], tuple(row[1:])) for row in rows)


def change(
    db: Connection, changes: Iterable[ListingChange], name: str, now: float
) -> WatchChanges:
    """Apply what is different in some files of an instance; what that changes is posted."""
    _alone_with_files(db)
    own = [one._replace(source=_source(name, one.source)) for one in changes]
    done = watches.change(db, own, now)
    rows = [watch.row for watch in (*done.opened, *done.updated)]
    mailbox.post(db, [*rows, *done.withdrawn])
    return done


def forget_files(db: Connection, name: str, now: float) -> int:
    """Remove all that the files of an instance list; return how many watches that withdrew."""
    _alone_with_files(db)
    prefix = _source(name, "")
    gone = [source for source in listings.known_sources(db) if source.startswith(prefix)]
    before = {row for row, _ in _open_settings(db)}
    listings.replace(db, [], gone)
    listings.withdraw_unlisted(db, now)
    withdrawn = before - {row for row, _ in _open_settings(db)}
    mailbox.post(db, withdrawn)
    return len(withdrawn)


def _source(name: str, source: str) -> str:
    return source if source in NO_FILES else f"{name}:{source}"
