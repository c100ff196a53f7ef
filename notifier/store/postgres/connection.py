"""One connection to PostgreSQL: statements in the common subset, and calls that end in time."""

import logging
import math
import re
import select
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

from notifier.errors import StoreError, StoreRefusedError
from notifier.store.connection import Cursor
from notifier.store.postgres.dialect import translate
from notifier.store.postgres.set_based import for_all

try:
    import psycopg
    from psycopg.types.array import ListBinaryDumper
except ImportError as _error:
    raise StoreRefusedError(
        "[store] url needs psycopg, which is not installed: "
        "install notifier with its extra, from a checkout with pip install '.[postgres]'",
        exit_code=78,
    ) from _error

# what it logs is raised as well
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

FAILURES = (psycopg.Error, UnicodeError, OverflowError)
"""What a statement raises."""

MEETINGS = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)
"""What it raises when another transaction did the same, or something like it, at the time."""

_NOTHING_READY = 0
_OF_EACH_HOST = re.compile(r"^- host: .*?: connection failed: (.*)$", re.MULTILINE)
"""How psycopg lists why none of several hosts was connected to."""

_LATE = "the server did not answer in time"


class _Bounded(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose calls raise OperationalError at `ends_at` (`time.monotonic`).

    Neither the server's `statement_timeout` nor TCP ends a call whose answer never comes because
    something between acknowledges every packet.
    """

    ends_at = math.inf
    is_late = False

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
                    self.is_late = True
                    self.pgconn.finish()
                    # so that nothing of the exchange is left, whatever it makes of this
                    wanted = exchange.throw(psycopg.OperationalError(_LATE))
                else:
                    wanted = exchange.send(ready)
        except StopIteration as end:
            return end.value


class _PipelineCursor:
    """A cursor whose statement may not have been sent yet."""

    def __init__(self, cursor: psycopg.Cursor[Any], pipeline: psycopg.Pipeline) -> None:
        self._cursor = cursor
        self._pipeline = pipeline

    @property
    def rowcount(self) -> int:
        self._pipeline.sync()
        return self._cursor.rowcount

    def fetchone(self) -> Any:  # noqa: ANN401 - whatever the columns hold
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)


class PostgresConnection:
    """Runs statements of the common subset; see `notifier.store.connection`."""

    def __init__(self, conninfo: str, **settings: str | float) -> None:
        """Connect; raises psycopg.Error."""
        self.raw = _Bounded.connect(
            conninfo,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,
            # prepared for all, planning would be saved; a batch is planned once anyway, and what a
            # failed pipeline has prepared is not known
            prepare_threshold=None,
            **cast("Any", settings),
        )

        self.raw.adapters.register_dumper(list, ListBinaryDumper)
        self._pipeline: psycopg.Pipeline | None = None

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """Run a statement; in a `transaction` its outcome is waited for when it is asked for."""
        cursor = self.raw.execute(cast("Any", translate(sql)), parameters)
        return cursor if self._pipeline is None else _PipelineCursor(cursor, self._pipeline)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """Run a statement for all of the rows of values, at once where that is possible."""
        rows = list(parameters)
        if not rows:
            return self.raw.cursor()
        if (together := for_all(sql, rows)) is not None:
            return self.execute(*together)
        cursor = self.raw.cursor()
        cursor.executemany(cast("Any", translate(sql)), rows)
        return cursor if self._pipeline is None else _PipelineCursor(cursor, self._pipeline)

    def fetch_each(self, query: str, parameters: Iterable[Sequence[Any]], /) -> list[list[Any]]:
        """Run a query for each of the rows of values, in one round trip."""
        asked = [self.execute(query, values) for values in parameters]
        return [cursor.fetchall() for cursor in asked]

    @contextmanager
    def transaction(self, *begin: str) -> Iterator[None]:
        """Run a block between the statements `begin` and COMMIT.

        A statement is sent without waiting for the one before, unless its outcome is asked for:
        what asks for nothing costs no round trip. If the block or a statement raises, everything
        is undone.
        """
        try:
            with self.raw.pipeline() as self._pipeline:
                for statement in begin:
                    self.raw.execute(cast("Any", statement))
                yield
                self.raw.execute("COMMIT")
        except BaseException as error:
            self.roll_back()
            if self.raw.is_late and isinstance(error, psycopg.Error):
                raise psycopg.OperationalError(_LATE) from None
            raise
        finally:
            self._pipeline = None

    def end_within(self, seconds: float) -> None:
        """Have all calls from now on end within `seconds`, taken together."""
        self.raw.ends_at = time.monotonic() + seconds

    @property
    def is_usable(self) -> bool:
        """Whether nothing has closed it as far as is known."""
        return not self.raw.closed

    @property
    def is_quiet(self) -> bool:
        """Whether the server has sent nothing while nothing was asked, such as its farewell."""
        return not select.select([self.raw.fileno()], [], [], 0)[0]

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
    hosts = _OF_EACH_HOST.findall(str(error))
    return (
        primary
        or "; ".join(hosts)
        or (str(error).strip().splitlines() or [type(error).__name__])[0]
    )


def is_lock_timeout(error: Exception) -> bool:
    """Tell whether a statement was ended because others held a lock that it needs."""
    return isinstance(error, psycopg.errors.LockNotAvailable)


def translated(error: BaseException, doing: str = "written") -> BaseException:
    """Return the StoreError for what a statement raised; other errors as they are."""
    if isinstance(error, FAILURES):
        return StoreError(f"the store cannot be {doing}: {explained(error)}")
    return error
