"""A connection that is made when it is needed, and again when it was lost."""

import math
import time
from collections.abc import Callable

import psycopg

from notifier.errors import StoreError, StoreRefusedError
from notifier.model.lease import DEFAULT_LEASE
from notifier.store.postgres.connection import PostgresConnection, explained

LONG_CALL = 600.0
"""How long an operation on many rows may take, in seconds."""

_SHORTEST_PAUSE = 0.1
"""Between two attempts to connect, in seconds."""


class Session:
    """Gives a connection that works, as far as is known.

    `prepare` is called with each new connection. After a failure to connect, further attempts
    fail at once until a pause is over, which doubles up to a tenth of `lease`: work goes on soon
    after a server is back. All limits of time are fractions of `lease` (seconds): what waits for
    the server ends before others take over. `url` is asked for each time: a password may have
    been changed.
    """

    def __init__(
        self,
        url: Callable[[], str],
        name: str,
        prepare: Callable[[PostgresConnection], None] = lambda _: None,
        *,
        lease: float = DEFAULT_LEASE,
    ) -> None:
        self._url = url
        self._name = name
        self._prepare = prepare
        self._lease = lease
        self._connection: PostgresConnection | None = None
        self._failure = ""
        self._pause = 0.0
        self._next_at = -math.inf

    @property
    def call(self) -> float:
        """How long an operation may take before its connection is given up, in seconds."""
        return 0.6 * self._lease

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
        self._pause = min(max(2 * self._pause, _SHORTEST_PAUSE), self._lease / 10)
        self._next_at = time.monotonic() + self._pause

    def _connect(self) -> PostgresConnection:
        connection = PostgresConnection(
            self._url(),
            application_name=self._name,
            client_encoding="UTF8",
            connect_timeout=math.ceil(self.call),
            keepalives_idle=5,
            keepalives_interval=3,
            keepalives_count=3,
            tcp_user_timeout=int(self._lease * 1000),
        )
        try:
            connection.end_within(self.call)
            settings = _settings(self._lease).items()
            calls = (f"set_config('{key}', '{value}', false)" for key, value in settings)
            connection.execute(f"SELECT {', '.join(calls)}")
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


def _settings(lease: float) -> dict[str, str]:
    """Return those of each connection; set after connecting, as poolers want it."""

    def part(share: float) -> str:
        return f"{lease * share * 1000:.0f}ms"

    return {
        "synchronous_commit": "on",
        "default_transaction_isolation": "read committed",
        "statement_timeout": part(0.5),
        "lock_timeout": part(0.3),
        "idle_in_transaction_session_timeout": part(0.3),
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "3",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": part(1),
        "timezone": "UTC",
    }
