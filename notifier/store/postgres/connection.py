"""One connection to PostgreSQL: statements in the common subset, and calls that end in time."""

import math
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from typing import Any, cast

from notifier.errors import StoreError, StoreRefusedError
from notifier.store.connection import Cursor
from notifier.store.postgres.dialect import translate

try:
    import psycopg
except ImportError as _error:
    raise StoreRefusedError(
        "[store] url needs psycopg, which is not installed: "
        "pip install 'video-notifier[postgres]'",
        exit_code=78,
    ) from _error

FAILURES = (psycopg.Error, UnicodeError, OverflowError)
"""What a statement raises."""

_NOTHING_READY = 0


class _Bounded(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose calls raise OperationalError at `ends_at` (`time.monotonic`).

    Neither the server's `statement_timeout` nor TCP ends a call whose answer never comes because
    something between acknowledges every packet.
    """

    ends_at = math.inf

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as psycopg's
        """Run one exchange with the server."""
        return super().wait(self._until_end(gen), *args, **kwargs)

    def _until_end(self, exchange: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Yield what `exchange` waits for; psycopg looks in again several times a second."""
        try:
            wanted = next(exchange)
            while True:
                ready = yield wanted
                if ready == _NOTHING_READY and time.monotonic() > self.ends_at:
                    raise psycopg.OperationalError("the server did not answer in time")
                wanted = exchange.send(ready)
        except StopIteration as end:
            return end.value


class PostgresConnection:
    """Runs statements of the common subset; see `notifier.store.connection`."""

    def __init__(self, conninfo: str, **settings: str | float) -> None:
        """Connect; raises psycopg.Error."""
        self.raw = _Bounded.connect(
            conninfo, autocommit=True, cursor_factory=psycopg.RawCursor, **cast("Any", settings)
        )

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """Run a statement."""
        return self.raw.execute(cast("Any", translate(sql)), parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """Run a statement once for each of the rows of values, in one round trip."""
        cursor = self.raw.cursor()
        rows = list(parameters)
        if rows:
            cursor.executemany(cast("Any", translate(sql)), rows)
        return cursor

    def end_within(self, seconds: float) -> None:
        """Have all calls from now on end within `seconds`, taken together."""
        self.raw.ends_at = time.monotonic() + seconds

    @property
    def is_usable(self) -> bool:
        """Whether nothing has closed it as far as is known."""
        return not self.raw.closed

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun and not ended."""
        return self.raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def roll_back(self) -> None:
        """End the transaction without its changes; a connection that cannot is closed."""
        try:
            if self.is_usable and self.in_transaction:
                self.raw.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        with suppress(psycopg.Error):
            self.raw.close()


def explained(error: Exception) -> str:
    """Return one sentence about what a statement raised, without the statement and its values."""
    diagnosis = getattr(error, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    return primary or (str(error).strip().splitlines() or [type(error).__name__])[0]


def translated(error: BaseException, doing: str = "written") -> BaseException:
    """Return the StoreError for what a statement raised; other errors as they are."""
    if isinstance(error, FAILURES):
        return StoreError(f"the store cannot be {doing}: {explained(error)}")
    return error
