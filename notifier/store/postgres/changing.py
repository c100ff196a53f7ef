"""Changes the store in PostgreSQL beside the daemons, for commands; it makes no tables."""

from collections.abc import Callable
from typing import TypeVar

from notifier.errors import StoreError
from notifier.store.connection import Connection
from notifier.store.postgres.connection import FAILURES, translated
from notifier.store.postgres.reading import is_made
from notifier.store.postgres.session import LONG_CALL, Session

T = TypeVar("T")


def change_once(url: Callable[[], str], lease: float, work: Callable[[Connection], T]) -> T:
    """Run `work` as one transaction and return its result; raises StoreError.

    `lease` is what limits of time are fractions of, in seconds. Raises StoreRefusedError
    when another program or a newer notifier made the tables.
    """
    session = Session(url, "notifier-command", lease=lease)
    try:
        db = session.connected()
        db.end_within(LONG_CALL)
        with db.transaction("BEGIN", "SET LOCAL statement_timeout = 0"):
            if not is_made(db):
                raise StoreError("nothing is in the database yet: notifier run makes its tables")
            return work(db)
    except FAILURES as error:
        raise translated(error) from None
    finally:
        session.close()
