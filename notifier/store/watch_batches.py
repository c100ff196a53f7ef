"""Many watches in one transaction: each succeeds or fails alone, and all commit together."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from notifier.errors import NotifierError, UnknownError
from notifier.model.views import WatchView
from notifier.model.watch import Callback, Watch, WatchKey, WatchSpec
from notifier.store import api_watches, queries
from notifier.store.connection import Connection

T = TypeVar("T")
R = TypeVar("R")


class Addition(NamedTuple):
    """A watch to add for the control API; `again` watches one anew that has ended."""

    spec: WatchSpec
    again: bool = False
    callback: Callback | None = None


class Added(NamedTuple):
    """An added watch; `created` is False when it was open or had ended before."""

    watch: Watch
    created: bool
    view: WatchView


def add_many(
    db: Connection, additions: Sequence[Addition], now: float
) -> list[Added | NotifierError]:
    """Add watches in their order; an item's error undoes and refuses only that item."""

    def add(addition: Addition) -> Added:
        spec, again, callback = addition
        watch, created = api_watches.add(db, spec, callback, now, again=again)
        view = queries.watch(db, watch.key)
        if view is None:
            raise UnknownError(f"{watch.key} is not watched")
        return Added(watch, created, view)

    return _each(db, add, additions)


def remove_many(db: Connection, keys: Sequence[WatchKey], now: float) -> list[int | NotifierError]:
    """Withdraw watches; return the row of each, or the error that refuses it."""
    return _each(db, lambda key: api_watches.remove(db, key, now), keys)


def _each(db: Connection, change: Callable[[T], R], items: Iterable[T]) -> list[R | NotifierError]:
    results: list[R | NotifierError] = []
    for item in items:
        db.execute("SAVEPOINT item")
        try:
            results.append(change(item))
        except NotifierError as error:
            db.execute("ROLLBACK TO item")
            results.append(error)
        db.execute("RELEASE item")
    return results
