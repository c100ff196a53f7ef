"""What the store needs of its database: `database.Database` and `postgres.database` provide it."""

from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from notifier.store.connection import Connection
from notifier.store.operation import Operation

P = ParamSpec("P")
T = TypeVar("T")


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

    def transact_all(self, operations: Sequence[Operation], /) -> None:
        """Run `operations` in as few transactions as it takes; put its outcome into each."""

    def query(self, work: Callable[[Connection], T], /) -> T:
        """Return what `work` reads from one consistent view of all commits; raises StoreError."""

    def close(self) -> None:
        """Close the connections and release the locks."""
