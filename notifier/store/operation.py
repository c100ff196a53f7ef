"""One operation on the store: its work and its outcome."""

from collections.abc import Callable
from typing import Any


class Operation:
    """Runs `work` on the connection, in a transaction that other operations may share.

    An operation that does not write (`writes`) takes no write lock. A long one (`is_long`) has a
    transaction of its own, because operations in the same transaction would wait for its end.
    """

    __slots__ = ("_error", "_result", "is_long", "is_over", "work", "writes")

    def __init__(self, work: Callable[[Any], Any], *, writes: bool, is_long: bool) -> None:
        self.work = work
        self.writes = writes
        self.is_long = is_long
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
