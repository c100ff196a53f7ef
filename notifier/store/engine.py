"""What the store needs of its database: `database.Database` and `postgres.database` provide it."""

from collections.abc import Callable, Sequence
from typing import Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from notifier.store.connection import Connection
from notifier.store.operation import Operation

P = ParamSpec("P")
T = TypeVar("T")


TransactAll = Callable[[Sequence[Operation]], None]
"""Runs operations in as few transactions as it takes, and puts its outcome into each."""


class Writers(NamedTuple):
    """What runs each kind of operation; each runs one transaction at a time.

    Where there are several for a kind, work is divided among them. They may all be the same.
    """

    changes: TransactAll
    endings: Sequence[TransactAll]
    deliveries: Sequence[TransactAll]
    leases: TransactAll


class Engine(Protocol):
    """Runs operations and queries; each is over, and on the disk, when its call returns."""

    @property
    def store_id(self) -> str:
        """The random id of this store, which event ids are derived from."""

    @property
    def has_reader(self) -> bool:
        """Whether a query may run while a transaction does."""

    def transact(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(connection, …)` as one transaction; raises StoreError."""

    @property
    def writers(self) -> Writers:
        """What runs operations, by their kind; each may be used by a thread of its own."""

    def query(self, work: Callable[[Connection], T], /) -> T:
        """Return what `work` reads from one consistent view of all commits; raises StoreError."""

    def close(self) -> None:
        """Close the connections and release the locks."""
