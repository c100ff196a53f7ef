"""The clock of the database, which decides who of several instances is alive, and its history."""

from notifier.store.connection import Connection


def database_time(db: Connection) -> float:
    """Return the time of the database now, also within a transaction (Unix seconds)."""
    (now,) = db.execute(
        "SELECT extract(epoch FROM clock_timestamp())::double precision"
    ).fetchone()
    return float(now)


def database_history(db: Connection) -> str:
    """Return which history of commits the database has: another one after a promotion.

    It is the timeline of the server's log, in hexadecimal digits.
    """
    (timeline,) = db.execute(
        "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
    ).fetchone()
    return str(timeline)
