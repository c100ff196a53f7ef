"""Keeps the store to one process: each of its connections that write holds a shared lock.

The lock's second number is drawn by the process, so that its connections are told from those of
others. Whoever lost its lock has lost the connection with it.
"""

import time

from notifier.errors import StoreRefusedError
from notifier.store.postgres.connection import PostgresConnection

_IN_USE = 0x6E6F7466
_DECIDING = 0x6E6F7467
_PATIENCE = 2.0
_STEP = 0.05


def take_use(db: PostgresConnection, process: int) -> None:
    """Let this connection write; raises StoreRefusedError while another process has the store.

    `process` is a number of 31 bits. A process that has just ended is waited for a little.
    """
    # the server may not have noticed that an earlier connection for the same was lost
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND application_name = current_setting('application_name') AND usename = current_user"
    )
    patience_ends = time.monotonic() + _PATIENCE
    while not _taken(db, process):
        if time.monotonic() < patience_ends:
            time.sleep(_STEP)  # in one of the store's threads
            continue
        raise StoreRefusedError(
            "another notifier is already running on this database: stop it first, or give each a "
            "database or a schema of its own"
        )


def _taken(db: PostgresConnection, process: int) -> bool:
    """Hold the lock unless another process does; one connection decides at a time."""
    db.execute("BEGIN")
    db.execute(f"SELECT pg_advisory_xact_lock({_DECIDING}, hashtext(current_schema()))")
    (others,) = db.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        f"AND classid = ((hashtext(current_schema())::bigint # {_IN_USE}) & 4294967295)::oid "
        "AND objid <> CAST(? AS bigint)::oid",
        (process,),
    ).fetchone()
    if not others:
        db.execute(
            f"SELECT pg_advisory_lock_shared(hashtext(current_schema()) # {_IN_USE}, "
            "CAST(? AS integer))",
            (process,),
        )
    db.execute("COMMIT")
    return not others
