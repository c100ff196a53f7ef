"""A connection that is made when it is needed, and again when it was lost."""

import math
import time
from collections.abc import Callable

import psycopg

from notifier.errors import StoreError, StoreRefusedError
from notifier.store.postgres.connection import PostgresConnection, explained

LEASE = 15.0
"""What all limits of time are fractions of, in seconds."""

CALL = 0.6 * LEASE
"""How long an operation may take before its connection is given up, in seconds."""

LONG_CALL = 600.0
"""The same for an operation on many rows."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, LEASE / 10
"""Between two attempts to connect: work goes on soon after a server is back, too."""

_SETTINGS = {
    "synchronous_commit": "on",
    "statement_timeout": f"{LEASE * 500:.0f}",
    "lock_timeout": f"{LEASE * 300:.0f}",
    "idle_in_transaction_session_timeout": f"{LEASE * 300:.0f}",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": f"{LEASE * 1000:.0f}",
    "timezone": "UTC",
}
"""Of each connection, in milliseconds and seconds; set after connecting, as poolers want it."""


class Session:
    """Gives a connection that works, as far as is known.

    `prepare` is called with each new connection. After a failure to connect, further attempts
    fail at once until a pause is over, which doubles each time. `url` is asked for each time: a
    password may have been changed.
    """

    def __init__(
        self,
        url: Callable[[], str],
        name: str,
        prepare: Callable[[PostgresConnection], None] = lambda _: None,
    ) -> None:
        self._url = url
        self._name = name
        self._prepare = prepare
        self._connection: PostgresConnection | None = None
        self._failure = ""
        self._pause = 0.0
        self._next_at = -math.inf

    def connected(self) -> PostgresConnection:
        """Return the connection; raises StoreError when there is none to be had now.

        One that was lost while it was idle is made again.
        """
        if self.is_connected and self._connection is not None and self._connection.is_quiet:
            return self._connection
        self.close()
        if time.monotonic() < self._next_at:
            raise StoreError(self._failure)
        try:
            self._connection = self._connect()
        except (psycopg.Error, StoreError) as error:
            self._note(error)
            if isinstance(error, StoreRefusedError):
                raise
            raise StoreError(self._failure) from None
        self._pause = 0.0
        return self._connection

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that works, as far as is known."""
        return self._connection is not None and self._connection.is_usable

    def _note(self, error: Exception) -> None:
        reason = str(error)
        if isinstance(error, psycopg.ProgrammingError):
            # libpq quotes all of it, with the password
            reason = "[store] url is not one that PostgreSQL's libpq can read"
        elif isinstance(error, psycopg.Error):
            reason = f"PostgreSQL cannot be reached: {explained(error)}"
        self._failure = reason
        self._pause = min(max(2 * self._pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        self._next_at = time.monotonic() + self._pause

    def _connect(self) -> PostgresConnection:
        connection = PostgresConnection(
            self._url(),
            application_name=self._name,
            client_encoding="UTF8",
            connect_timeout=math.ceil(CALL),
            keepalives_idle=5,
            keepalives_interval=3,
            keepalives_count=3,
            tcp_user_timeout=int(LEASE * 1000),
        )
        try:
            connection.end_within(CALL)
            settings = ", ".join(
                f"set_config('{key}', '{_SETTINGS[key]}', false)" for key in _SETTINGS
            )
            connection.execute(f"SELECT {settings}")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connection; the next use makes a new one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
