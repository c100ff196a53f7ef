"""The writing connection to the store's file: one process opens it once.

WAL with `synchronous=FULL` means that a transaction is on the disk when COMMIT returns. A file
that cannot be used (another program's, a newer notifier's, damaged) is refused with one sentence
and left byte for byte as it was found.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

from notifier.errors import StoreError, StoreRefusedError
from notifier.store.codec import decode_text
from notifier.store.creation import create, record_config
from notifier.store.engine import Writers
from notifier.store.file_identity import FileIdentity
from notifier.store.files import is_missing, lock_of, log_of, make_folder
from notifier.store.inspection import BUSY_SECONDS, inspect, read_only
from notifier.store.lock import DatabaseLock, FileLock, is_locked
from notifier.store.operation import BulkOperation, Operation, by_kind
from notifier.store.row_batches import connect
from notifier.store.schema import migrate
from notifier.store.write_ahead_log import renew_mark

P = ParamSpec("P")
T = TypeVar("T")

_MISUSE = 78
_MAX_WAL = 16 * 1024 * 1024
_PRIMARY = 0xFF
# errors of the statement itself; all others are the file's, the disk's or the memory's
_STATEMENT_ERRORS = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_RANGE,
}

_REMEDY = "; set [store] path in the config to a file in a folder that this user may write to"


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what the system or SQLite raises into StoreRefusedError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        remedy = _REMEDY if isinstance(error, PermissionError) else ""
        raise StoreRefusedError(f"cannot use {path} as the store: {reason}{remedy}") from None


class Database:
    """The one writing connection to the store's file, and one that only reads.

    A store in memory has no `reader`: its queries run on the writing connection.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        held: ExitStack,
        identity: FileIdentity | None = None,
        reader: sqlite3.Connection | None = None,
    ) -> None:
        self._db = db
        self._reader = reader
        self._held = held
        self._identity = identity
        row = db.execute("SELECT value FROM meta WHERE key = 'store_id'").fetchone()
        if row is None:
            raise StoreRefusedError("the store is damaged, its id is missing: restore a backup")
        self.store_id = str(row[0])
        """The random id of this store, which event ids are derived from."""

    @classmethod
    def open(cls, path: Path, config: Path, *, adopt: bool = False) -> "Database":
        """Lock, open and migrate the store at `path` for the configuration file `config`.

        With `adopt` a store that belongs to another configuration file is taken over. Raises
        StoreRefusedError, with the reason in one sentence.
        """
        with _refusing(path), ExitStack() as held:
            make_folder(path.parent)
            if path.is_dir():
                raise StoreRefusedError(f"{path} is a folder: name a file in it as [store] path")
            held.enter_context(FileLock(lock_of(path)))
            if is_missing(path):
                inspect(path)
                create(path, config)
            held.enter_context(DatabaseLock(path, lock_of(path)))
            inspect(path)
            db = _connected(path)
            held.callback(db.close)
            _set_up(db, path, config, adopt=adopt)
            identity = FileIdentity(path, log_of(path))
            reader = held.enter_context(closing(read_only(path)))
            return cls(db, held.pop_all(), identity, reader)

    @classmethod
    def in_memory(cls, store_id: str | None = None) -> "Database":
        """Open a store that lives as long as this object; its id is random if not given."""
        db = connect(":memory:")
        migrate(db)
        if store_id is not None:
            db.execute("UPDATE meta SET value = ? WHERE key = 'store_id'", (store_id,))
        db.execute("PRAGMA foreign_keys = ON")
        held = ExitStack()
        held.callback(db.close)
        return cls(db, held)

    def transact(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function(connection, …)` as one transaction; raises StoreError."""
        operation = Operation(lambda db: function(db, *args, **kwargs), writes=True, is_long=False)
        self.transact_all([operation])
        result: T = operation.result()
        return result

    @property
    def writers(self) -> Writers:
        """The one connection that writes, for everything."""
        return Writers(
            self.transact_all, [self.transact_all], [self.transact_all], self.transact_all
        )

    @property
    def has_reader(self) -> bool:
        """Whether a query may run while a transaction does."""
        return self._reader is not None

    def query(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` reads from one consistent view of all commits; raises StoreError."""
        db = self._reader or self._db
        try:
            if self._identity is not None:
                self._identity.check()
            db.execute("BEGIN")
            try:
                return work(db)
            finally:
                db.execute("ROLLBACK")
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise StoreError(f"the store cannot be read: {error}") from None

    def transact_all(self, operations: Sequence[Operation]) -> None:
        """Run `operations` in one transaction and put its outcome into each.

        One that fails is undone alone, unless the file itself fails: then all are undone.
        """
        try:
            if self._identity is not None:
                self._identity.check()
            self._run(operations)
        except (StoreError, sqlite3.Error) as error:
            for operation in operations:
                if not operation.failed:
                    operation.fail(_translated(error))

    def _run(self, operations: Sequence[Operation]) -> None:
        self._db.execute(
            "BEGIN IMMEDIATE" if any(operation.writes for operation in operations) else "BEGIN"
        )
        try:
            for group in by_kind(operations):
                self._do_together(group)
            if self._db.in_transaction and any(operation.writes for operation in operations):
                renew_mark(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            # after some failures (disk full) SQLite has already rolled back
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _do_together(self, operations: Sequence[Operation]) -> None:
        """Run operations of one kind at once; if that fails, one after the other."""
        first, *others = operations
        if others and isinstance(first, BulkOperation):
            arguments = [cast("BulkOperation", operation).argument for operation in operations]
            together = Operation(
                lambda db: first.bulk(db, arguments), writes=first.writes, is_long=False
            )
            self._do(together)
            if not together.failed:
                for operation, result in zip(operations, together.result(), strict=True):
                    operation.succeed(result)
                return
        for operation in operations:
            self._do(operation)

    def _do(self, operation: Operation) -> None:
        """Run one of several; if it fails, its changes are undone and the others go on."""
        self._db.execute("SAVEPOINT operation")
        try:
            operation.succeed(operation.work(self._db))
        except Exception as error:
            if not self._db.in_transaction or (operation.writes and _is_of_the_file(error)):
                raise
            self._db.execute("ROLLBACK TO operation")
            operation.fail(_translated(error))
        self._db.execute("RELEASE operation")

    def close(self) -> None:
        """Close the file and release its locks."""
        self._held.close()


def _is_of_the_file(error: Exception) -> bool:
    """Tell whether the file, and not the statement, caused `error`."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return isinstance(error, sqlite3.Error) and code & _PRIMARY not in _STATEMENT_ERRORS


def _translated(error: Exception) -> Exception:
    if isinstance(error, sqlite3.Error | UnicodeError | OverflowError):
        return StoreError(f"the store cannot be written: {error}")
    return error


def daemon_is_running(path: Path) -> bool:
    """Tell whether a daemon has the store at `path`."""
    try:
        return is_locked(lock_of(path))
    except OSError:
        return False


def _connected(path: Path) -> sqlite3.Connection:
    path.chmod(0o600)
    db = connect(path, timeout=BUSY_SECONDS)
    db.text_factory = decode_text
    return db


def _set_up(db: sqlite3.Connection, path: Path, config: Path, *, adopt: bool) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", f"journal_size_limit = {_MAX_WAL}"):
        db.execute(f"PRAGMA {pragma}")
    migrate(db)
    # the journal of a savepoint is a temporary file, which no descriptor may be left for
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute("PRAGMA foreign_keys = ON")
    _belong_to(db, path, config, adopt=adopt)


def _belong_to(db: sqlite3.Connection, path: Path, config: Path, *, adopt: bool) -> None:
    """Record the config of the state: a daemon with another one would withdraw its watches."""
    row = db.execute("SELECT value FROM meta WHERE key = 'config'").fetchone()
    if row is not None and row[0] != str(config) and not adopt:
        raise StoreRefusedError(
            f"{path} holds the state of {row[0]}: set another [store] path, or take it over "
            "with notifier run --adopt",
            exit_code=_MISUSE,
        )
    # also when it is recorded already: a store that cannot be written is refused at the start
    db.execute("BEGIN IMMEDIATE")
    record_config(db, config)
    renew_mark(db)
    db.execute("COMMIT")
