"""The writing connection to the store's file: one process opens it once.

WAL with `synchronous=FULL` means that a transaction is on the disk when COMMIT returns. A file
that cannot be used (another program's, a newer notifier's, damaged) is refused with one sentence
and left byte for byte as it was found.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from notifier.errors import StoreError, StoreRefusedError
from notifier.store.codec import decode_text
from notifier.store.creation import create, record_config
from notifier.store.file_identity import FileIdentity
from notifier.store.lock import FileLock, is_locked
from notifier.store.operation import Operation
from notifier.store.schema import VERSION, migrate

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
_SMALLEST = 512  # bytes; SQLite takes a shorter file for an empty database

_REMEDY = "; set [store] path in the config to a file in a folder that this user may write to"

BUSY_SECONDS = 5.0
"""How long another process's lock on the file is waited for, in seconds."""


class Database:
    """The one writing connection to the store's file, and one that only reads.

    A store in memory has no `reader`: its queries run on the writing connection.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        lock: FileLock | None = None,
        identity: FileIdentity | None = None,
        reader: sqlite3.Connection | None = None,
    ) -> None:
        self._db = db
        self._reader = reader
        self._lock = lock
        self._identity = identity
        row = db.execute("SELECT value FROM meta WHERE key = 'store_id'").fetchone()
        self.store_id = str(row[0])
        """The random id of this store, which event ids are derived from."""

    @classmethod
    def open(cls, path: Path, config: Path, *, adopt: bool = False) -> "Database":
        """Lock, open and migrate the store at `path` for the configuration file `config`.

        With `adopt` a store that belongs to another configuration file is taken over. Raises
        StoreRefusedError, with the reason in one sentence.
        """
        lock = FileLock(_lock_path(path))
        try:
            _make_folder(path.parent)
            lock.acquire()
            _inspect(path)
            if not path.exists() or not path.stat().st_size:
                create(path, config)
            db = _connected(path)
            try:
                _set_up(db, path, config, adopt=adopt)
                identity = FileIdentity(path, _log_of(path))
                reader = read_only(path)
            except BaseException:
                db.close()
                raise
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError | sqlite3.Error):
                reason = getattr(error, "strerror", None) or error
                remedy = _REMEDY if isinstance(error, PermissionError) else ""
                raise StoreRefusedError(
                    f"cannot use {path} as the store: {reason}{remedy}"
                ) from None
            raise
        return cls(db, lock, identity, reader)

    @classmethod
    def in_memory(cls, store_id: str | None = None) -> "Database":
        """Open a store that lives as long as this object; its id is random if not given."""
        db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        migrate(db)
        if store_id is not None:
            db.execute("UPDATE meta SET value = ? WHERE key = 'store_id'", (store_id,))
        db.execute("PRAGMA foreign_keys = ON")
        return cls(db)

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
            for operation in operations:
                self._do(operation)
            self._db.execute("COMMIT")
        except BaseException:
            # after some failures (disk full) SQLite has already rolled back
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

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
        """Close the file and release its lock."""
        if self._reader is not None:
            self._reader.close()
        self._db.close()
        if self._lock is not None:
            self._lock.release()


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
        return is_locked(_lock_path(path))
    except OSError:
        return False


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _log_of(path: Path) -> Path:
    """Return SQLite's write-ahead log of the database at `path`."""
    return path.with_name(path.name + "-wal")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StoreRefusedError(f"cannot keep state in {folder}: it is not a folder") from None


def _inspect(path: Path) -> None:
    """Refuse a file that this process may not use, without writing to it.

    The connection for this can only read: one that can write folds the log of a process that
    was killed into the file as soon as it is closed, and deletes a log beside an empty file.
    """
    if path.exists() and path.stat().st_size:
        db = read_only(path)
        try:
            refuse_unusable(db, path)
        finally:
            db.close()
    elif (log := _log_of(path)).exists() and log.stat().st_size:
        raise StoreRefusedError(
            f"{log} holds commits of a database that is missing or empty: put {path.name} back, "
            "or move the log away as well"
        )


def read_only(path: Path) -> sqlite3.Connection:
    """Connect to the database at `path` for reading; raises sqlite3.Error."""
    # mode=ro and never `immutable`, which would not see what the daemon commits
    db = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_SECONDS,
    )
    db.text_factory = decode_text
    return db


def refuse_unusable(db: sqlite3.Connection, path: Path) -> None:
    """Raise StoreRefusedError for a file that holds no store, or that of a newer notifier."""
    if 0 < path.stat().st_size < _SMALLEST:
        raise StoreRefusedError(f"{path} is not a database: it is too short")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StoreRefusedError(
            f"{path} was written by a newer notifier (schema {version}, this one knows "
            f"{VERSION}): run the newer one, or set another [store] path",
            exit_code=_MISUSE,
        )
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == 0 and tables:
        raise StoreRefusedError(f"{path} is a database of some other program", exit_code=_MISUSE)


def _connected(path: Path) -> sqlite3.Connection:
    path.chmod(0o600)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
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
    record_config(db, config)
