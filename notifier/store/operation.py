"""One operation on the store: its work and its outcome."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from notifier.store.connection import Connection

Bulk = Callable[[Connection, Sequence[Any]], Sequence[Any]]
"""Does the same for many arguments, in a few statements; returns a result for each."""


class Operation:
    """Runs `work` on the connection, in a transaction that other operations may share.

    An operation that does not write (`writes`) takes no write lock. A long one (`is_long`) has a
    transaction of its own, because operations in the same transaction would wait for its end.
    `order` is its place among those that share a transaction, so that what they lock is locked in
    one order by all.
    """

    __slots__ = ("_error", "_result", "is_long", "is_over", "order", "work", "writes")

    def __init__(
        self,
        work: Callable[[Any], Any],
        *,
        writes: bool,
        is_long: bool,
        order: Sequence[str] = (),
    ) -> None:
        self.work = work
        self.writes = writes
        self.is_long = is_long
        self.order = tuple(order)
        self.is_over = False
        self._result: Any = None
        self._error: BaseException | None = None

    def succeed(self, result: object) -> None:
        """Set the result."""
        self._result = result
        self.is_over = True

    def fail(self, error: BaseException) -> None:
        """Set the error of the operation, or of the transaction that it was in."""
        self._error = error
        self.is_over = True

    @property
    def failed(self) -> bool:
        """Whether it has failed."""
        return self._error is not None

    def result(self) -> Any:  # noqa: ANN401 - whatever the work returns
        """Return what the work returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


class BulkOperation(Operation):
    """A short change that runs together with others of its kind: those with the same `bulk`.

    Its `work` does the same for `argument` alone. It is run when the bulk has failed, so that
    only the operations fail that cannot be done.
    """

    __slots__ = ("argument", "bulk")

    def __init__(self, bulk: Bulk, argument: object) -> None:
        super().__init__(partial(_alone, bulk, argument), writes=True, is_long=False)
        self.bulk = bulk
        self.argument = argument


def _alone(bulk: Bulk, argument: object, db: Connection) -> Any:  # noqa: ANN401 - same
    (result,) = bulk(db, [argument])
    return result


def by_kind(operations: Iterable[Operation]) -> list[list[Operation]]:
    """Return `operations` by their `order`, those of one kind together at the place of the first.

    All of them are waited for at the same time, and none knows of another's outcome, so any order
    is right.
    """
    groups: dict[object, list[Operation]] = {}
    for operation in sorted(operations, key=lambda each: each.order):
        kind = operation.bulk if isinstance(operation, BulkOperation) else operation
        groups.setdefault(kind, []).append(operation)
    return list(groups.values())
