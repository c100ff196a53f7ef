"""Opens the store of a config, wherever it is: in a file or in PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from notifier.config.paths import StorePlace
from notifier.config.secrets import Secret, SecretError
from notifier.errors import StoreRefusedError
from notifier.store.connection import Connection
from notifier.store.database import Database
from notifier.store.engine import Engine
from notifier.store.reader import Reader, open_reader

if TYPE_CHECKING:
    from notifier.store.executor import Executor
    from notifier.store.postgres.hints import Hints

T = TypeVar("T")


def require_driver(place: StorePlace) -> None:
    """Raise StoreRefusedError when what a store in PostgreSQL needs is not installed."""
    if place.url is not None:
        from notifier.store.postgres import connection  # noqa: F401, PLC0415 - an extra


def reader_of(place: StorePlace) -> AbstractContextManager[Reader | None]:
    """Open the store at `place` for reading; None when there is none yet.

    Raises as `open_reader` does, and StoreError when the server cannot be reached.
    """
    if place.url is None:
        return open_reader(place.path)
    return _reader_of_database(place.url, place.lease)


@contextmanager
def _reader_of_database(url: Secret, lease: float) -> Iterator[Reader | None]:
    from notifier.store.postgres.clock import database_time  # noqa: PLC0415 - an extra
    from notifier.store.postgres.reading import open_database  # noqa: PLC0415 - an extra

    with open_database(lambda: _revealed(url, Secret.reveal), lease) as database:
        yield None if database is None else Reader(database.query, database_time)


def change_database(url: Secret, lease: float, work: Callable[[Connection, float], T]) -> T:
    """Run a change beside the daemons, with the database's time, and return its result.

    Limits of time are fractions of `lease` (seconds). Raises StoreError, and StoreRefusedError
    when another program or notifier made the tables.
    """
    from notifier.store.postgres.changing import change_once  # noqa: PLC0415 - an extra
    from notifier.store.postgres.clock import database_time  # noqa: PLC0415 - an extra

    return change_once(
        lambda: _revealed(url, Secret.reveal), lease, lambda db: work(db, database_time(db))
    )


def engine_of(
    place: StorePlace, config: Path, *, reveal: Callable[[Secret], str], adopt: bool = False
) -> Engine:
    """Open the store at `place` for writing, for the configuration file `config`.

    `reveal` returns the text of a secret. With `adopt` a file that belongs to another config is
    taken over. Raises StoreRefusedError, and StoreError when the server cannot be reached.
    """
    url = place.url
    if url is None:
        return Database.open(place.path, config, adopt=adopt)
    from notifier.store.postgres.database import PostgresDatabase  # noqa: PLC0415 - an extra

    return PostgresDatabase.open(lambda: _revealed(url, reveal), place.path, place.lease)


def hints_of(
    url: Secret, lease: float, executor: "Executor", *, reveal: Callable[[Secret], str]
) -> "Hints":
    """Return the hints between the instances of a database; nothing is connected yet.

    Limits of time are fractions of `lease` (seconds).
    """
    from notifier.store.postgres.hints import Hints  # noqa: PLC0415 - an extra

    return Hints(lambda: _revealed(url, reveal), executor, lease=lease)


def _revealed(url: Secret, reveal: Callable[[Secret], str]) -> str:
    try:
        return reveal(url)
    except SecretError as error:
        raise StoreRefusedError(f"[store] url: {error}", exit_code=78) from None


def refuse_database(place: StorePlace, action: str, instead: str) -> None:
    """Raise StoreRefusedError for what is only possible with a file."""
    if place.url is not None:
        raise StoreRefusedError(
            f"the store is in PostgreSQL, which notifier does not {action}: {instead}",
            exit_code=78,
        )
