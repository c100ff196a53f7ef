"""The store in PostgreSQL, as `notifier.store.database.Database` is the store in a file.

Any number of instances may open it. A server that restarts ends the connections; the next
operation connects anew, and fails while that is not possible.
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

from notifier.errors import NotifierError, StoreError, StoreRefusedError
from notifier.store.connection import Connection
from notifier.store.files import lock_of, make_folder
from notifier.store.lock import FileLock
from notifier.store.operation import BulkOperation, Operation, by_kind
from notifier.store.postgres.connection import FAILURES, MEETINGS, PostgresConnection, translated
from notifier.store.postgres.reading import ReadingSession
from notifier.store.postgres.schema import migrate
from notifier.store.postgres.session import CALL, LONG_CALL, Session

P = ParamSpec("P")
T = TypeVar("T")


_MEETINGS = 5
"""How often an operation may meet others before it has failed."""


class PostgresDatabase:
    """A connection that writes and one that only reads, both made again after they were lost."""

    has_reader = True
    """A query may run while a transaction does."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._held = ExitStack()
        name = f"notifier-{uuid.uuid4().hex}"
        self._writer = Session(url, name, _prepare)
        self._reader = ReadingSession(Session(url, f"{name}-reads"))
        db = self._writer.connected()
        try:
            db.end_within(LONG_CALL)
            migrate(db)
            _refuse_transaction_pooling(db, self._reader)
            row = db.execute("SELECT value FROM meta WHERE key = 'store_id'").fetchone()
        except FAILURES as error:
            self.close()
            raise translated(error) from None
        except StoreError:
            self.close()
            raise
        self.store_id = str(row[0])
        """The random id of this store, which event ids are derived from."""

    @classmethod
    def open(cls, url: Callable[[], str], place: Path) -> "PostgresDatabase":
        """Connect to the URL, and bring the store to this notifier's schema.

        `url` returns it, `place` is where a store in a file would be: its lock tells commands on
        this machine that a daemon runs. Raises StoreRefusedError, with the reason in one sentence.
        """
        with ExitStack() as held:
            try:
                make_folder(place.parent)
                held.enter_context(FileLock(lock_of(place)))
            except OSError as error:
                raise StoreRefusedError(
                    f"cannot lock {lock_of(place)}: {error.strerror}"
                ) from None
            database = cls(url)
            database._held = held.pop_all()
            return database

    def writer(self) -> PostgresConnection:
        """Return the connection that writes; raises StoreError when there is none."""
        return self._writer.connected()

    def transact(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(connection, …)` as one transaction; raises StoreError."""
        operation = Operation(lambda db: function(db, *args, **kwargs), writes=True, is_long=False)
        self.transact_all([operation])
        result: T = operation.result()
        return result

    def transact_all(self, operations: Sequence[Operation]) -> None:
        """Run `operations` in one transaction and put its outcome into each.

        If one fails, each is run again in a transaction of its own, unless the connection failed:
        then all have failed.
        """
        try:
            self._run_again_if_met(operations)
        except (*FAILURES, NotifierError) as error:
            if len(operations) > 1 and self._writer.is_connected:
                for operation in operations:
                    self.transact_all([operation])
            else:
                for operation in operations:
                    operation.fail(translated(error))

    def _run_again_if_met(self, operations: Sequence[Operation]) -> None:
        """Run operations; one that met another instance's does well once it sees what that did."""
        for _ in range(_MEETINGS if len(operations) == 1 else 0):
            try:
                self._run(operations)
            except MEETINGS:
                continue
            return
        self._run(operations)

    def _run(self, operations: Sequence[Operation]) -> None:
        is_long = any(operation.is_long for operation in operations)
        db = self._writer.connected()
        db.end_within(LONG_CALL if is_long else CALL)
        with db.transaction("BEGIN", *(["SET LOCAL statement_timeout = 0"] if is_long else [])):
            done = [_done(group, db) for group in by_kind(operations)]
        for operation, result in chain.from_iterable(done):
            operation.succeed(result)

    def query(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads from one consistent view of all commits; raises StoreError."""
        return self._reader.query(work)

    def close(self) -> None:
        """Close the connections and release the locks."""
        self._writer.close()
        self._reader.close()
        self._held.close()


def _done(
    operations: Sequence[Operation], db: PostgresConnection
) -> list[tuple[Operation, object]]:
    """Run operations of one kind; return them with their results."""
    first = operations[0]
    if isinstance(first, BulkOperation):
        arguments = [cast("BulkOperation", operation).argument for operation in operations]
        return list(zip(operations, first.bulk(db, arguments), strict=True))
    return [(first, first.work(db))]


def _prepare(db: PostgresConnection) -> None:
    """Make this connection the one that writes for this process, or raise StoreRefusedError."""
    (encoding,) = db.execute("SHOW server_encoding").fetchone()
    if encoding != "UTF8":
        raise StoreRefusedError(
            f"the database has the encoding {encoding}: make one with ENCODING 'UTF8'",
            exit_code=78,
        )
    # the server may not have noticed that an earlier connection of this process was lost
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND application_name = current_setting('application_name') AND usename = current_user"
    )


def _refuse_transaction_pooling(db: Connection, reader: ReadingSession) -> None:
    """Raise StoreRefusedError if a pooler gives both connections the same one of the server.

    Settings are of the server's connection: they would be anybody's.
    """
    if _backend(db) == reader.query(_backend):
        raise StoreRefusedError(
            "[store] url leads to a pooler in transaction mode: let it pool sessions "
            "(PgBouncer: pool_mode = session), or connect to the server itself",
            exit_code=78,
        )


def _backend(db: Connection) -> int:
    (number,) = db.execute("SELECT pg_backend_pid()").fetchone()
    return int(number)
