"""The clock of the database, which decides who of several instances is alive."""

from notifier.store.connection import Connection


def database_time(db: Connection) -> float:
    """Return the time of the database now, also within a transaction (Unix seconds)."""
    (now,) = db.execute(
        "SELECT extract(epoch FROM clock_timestamp())::double precision"
    ).fetchone()
    return float(now)
