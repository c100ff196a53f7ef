"""The store in PostgreSQL, as `notifier.store.database.Database` is the store in a file.

Any number of instances may open it. A server that restarts ends all its connections; the next
operation on each connects anew, and fails while that is not possible.
"""

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from notifier.errors import StoreError, StoreRefusedError
from notifier.model.lease import DEFAULT_LEASE
from notifier.store.connection import Connection
from notifier.store.engine import Writers
from notifier.store.files import lock_of, make_folder
from notifier.store.lock import FileLock
from notifier.store.operation import Operation
from notifier.store.postgres.connection import FAILURES, PostgresConnection, translated
from notifier.store.postgres.reading import ReadingSession
from notifier.store.postgres.schema import migrate
from notifier.store.postgres.session import LONG_CALL, Session
from notifier.store.postgres.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

_ENDINGS = 2
_DELIVERIES = 2
"""How many connections there are for each: one batch is made while the server works on another."""


class PostgresDatabase:
    """Connections that write and one that only reads, made when they are needed."""

    has_reader = True
    """A query may run while a transaction does."""

    def __init__(self, url: Callable[[], str], *, lease: float = DEFAULT_LEASE) -> None:
        self._held = ExitStack()
        name = f"notifier-{uuid.uuid4().hex}"

        def writer(kind: str, spare: Writer | None = None) -> Writer:
            return Writer(Session(url, f"{name}-{kind}", _prepare, lease=lease), spare)

        self._changes = changes = writer("changes")
        self._endings = [writer(f"endings-{number}", changes) for number in range(_ENDINGS)]
        self._deliveries = [
            writer(f"deliveries-{number}", changes) for number in range(_DELIVERIES)
        ]
        self._leases = writer("leases")
        self._reader = ReadingSession(Session(url, f"{name}-reads", lease=lease))
        db = self.writer()
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
    def open(cls, url: Callable[[], str], place: Path, lease: float) -> "PostgresDatabase":
        """Connect to the URL, and bring the store to this notifier's schema.

        `url` returns it, `place` is where a store in a file would be: its lock tells commands on
        this machine that a daemon runs. Calls are given up after a part of `lease` (seconds).
        Raises StoreRefusedError, with the reason in one sentence.
        """
        with ExitStack() as held:
            try:
                make_folder(place.parent)
                held.enter_context(FileLock(lock_of(place)))
            except OSError as error:
                raise StoreRefusedError(
                    f"cannot lock {lock_of(place)}: {error.strerror}"
                ) from None
            database = cls(url, lease=lease)
            database._held = held.pop_all()
            return database

    def writer(self) -> PostgresConnection:
        """Return the connection for changes; raises StoreError when there is none."""
        return self._changes.session.connected()

    @property
    def writers(self) -> Writers:
        """What runs operations, by their kind, each on a connection of its own."""
        return Writers(
            self._changes.transact_all,
            [each.transact_all for each in self._endings],
            [each.transact_all for each in self._deliveries],
            self._leases.transact_all,
        )

    def transact(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(connection, …)` as one transaction; raises StoreError."""
        operation = Operation(lambda db: function(db, *args, **kwargs), writes=True, is_long=False)
        self._changes.transact_all([operation])
        result: T = operation.result()
        return result

    def query(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads from one consistent view of all commits; raises StoreError."""
        return self._reader.query(work)

    def close(self) -> None:
        """Close the connections and release the locks."""
        for each in (self._changes, *self._endings, *self._deliveries, self._leases):
            each.session.close()
        self._reader.close()
        self._held.close()


def _prepare(db: PostgresConnection) -> None:
    """Make this connection the only one for its writer, or raise StoreRefusedError."""
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
