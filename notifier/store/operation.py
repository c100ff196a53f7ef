"""One call to the store: what is to be done, and what came of it."""

import sqlite3
from collections.abc import Callable
from typing import Any


class Operation:
    """`work`, to be done on the connection, in a transaction that others may share.

    One that `writes` nothing needs no lock. One that `is_long` shares with nobody: others
    would wait for its end.
    """

    __slots__ = ("_error", "_result", "is_long", "is_over", "work", "writes")

    def __init__(
        self, work: Callable[[sqlite3.Connection], Any], *, writes: bool, is_long: bool
    ) -> None:
        self.work = work
        self.writes = writes
        self.is_long = is_long
        self.is_over = False
        self._result: Any = None
        self._error: BaseException | None = None

    def succeed(self, result: object) -> None:
        """Note what came of it."""
        self._result = result
        self.is_over = True

    def fail(self, error: BaseException) -> None:
        """Note why it, or the transaction that it was in, failed."""
        self._error = error
        self.is_over = True

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self._error is not None

    def result(self) -> Any:  # noqa: ANN401 - whatever the work returns
        """Return what the work returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result
