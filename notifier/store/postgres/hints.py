"""Hints between instances, by NOTIFY on a connection of their own.

In a working transaction NOTIFY would have all commits of the database wait for each other. What is
sent here is sent after the commit, all that waits in one statement and each hint once. Hints are
lossy: nothing is heard while there is no connection, and whoever waits for one looks every few
seconds as well. Nothing here raises when the server cannot be reached.
"""

import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress

import psycopg
import trio

from notifier import log
from notifier.errors import StoreError
from notifier.model.hint import Hint, HintKind
from notifier.model.lease import DEFAULT_LEASE
from notifier.store.connection import TEXTS, listed
from notifier.store.executor import Executor
from notifier.store.postgres.connection import FAILURES, PostgresConnection, explained
from notifier.store.postgres.session import Session
from notifier.wakeup import Wakeup

_CHANNEL = "'notifier_' || to_hex(hashtext(current_schema()))"
_PAUSE = 1.0
_LAST_CALL = 1.0
"""How long what still waits at the end may take to be sent, in seconds."""

_FOR_EVER = 3600.0
_MOST_WAITING = 10_000


class Hints:
    """Sends hints to the other instances of the store at `url`, and hears theirs.

    `executor` runs what waits for the server, which is given up after a part of `lease` (seconds).
    Hints are sent and heard as long as `heard` is iterated.
    """

    def __init__(
        self, url: Callable[[], str], executor: Executor, *, lease: float = DEFAULT_LEASE
    ) -> None:
        self._session = Session(url, "notifier-hints", self._prepare, lease=lease)
        self._executor = executor
        self._db: PostgresConnection | None = None
        self._waiting: dict[Hint, None] = {}
        self._to_send = Wakeup()
        self._heard: deque[Hint] = deque(maxlen=_MOST_WAITING)
        self._is_lost = False

    def send(self, kind: HintKind, name: str = "") -> None:
        """Tell the other instances soon; call it after the commit of what they will find."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting[Hint(kind, name)] = None
            self._to_send.notify()

    async def heard(self) -> AsyncGenerator[Hint, None]:
        """Yield what the others send, for ever; a lost connection is made again."""
        try:
            while True:
                try:
                    db = await self._executor.run(self._exchange, self._session.call)
                    self._report_heard()
                    await self._wait(db)
                except (*FAILURES, StoreError, OSError) as error:
                    self._report_lost(error)
                    await self._executor.run(self._session.close)
                    await trio.sleep(_PAUSE)
                while self._heard:
                    yield self._heard.popleft()
        finally:
            with trio.CancelScope(shield=True):
                await self._executor.run(self._finish)

    def _prepare(self, db: PostgresConnection) -> None:
        (channel,) = db.execute(f"SELECT {_CHANNEL}").fetchone()
        db.raw.add_notify_handler(self._note)
        db.execute(f"LISTEN {channel}")
        self._db = db

    def _exchange(self, within: float) -> PostgresConnection:
        """Send what waits, and take what has come; raises psycopg.Error or StoreError."""
        db = self._db
        if db is None or not self._session.is_connected:
            db = self._session.connected()
        db.end_within(within)
        waiting, self._waiting = self._waiting, {}
        db.execute(
            f"SELECT pg_notify({_CHANNEL}, value) FROM {TEXTS} AS hints",
            (listed(json.dumps(hint) for hint in waiting),),
        )
        return db

    def _finish(self) -> None:
        """Send what still waits, if there is a connection, and close it."""
        with suppress(*FAILURES, StoreError, OSError):
            if self._waiting and self._session.is_connected:
                self._exchange(_LAST_CALL)
        self._session.close()

    def _report_lost(self, error: Exception) -> None:
        if not self._is_lost:
            reason = explained(error) if isinstance(error, psycopg.Error) else str(error)
            log.get().warning("hints_lost", reason=reason)
        self._is_lost = True

    def _report_heard(self) -> None:
        if self._is_lost:
            log.get().info("hints_heard_again")
        self._is_lost = False

    def _note(self, notification: psycopg.Notify) -> None:
        if self._db is not None and notification.pid == self._db.raw.info.backend_pid:
            return  # sent here
        try:
            kind, name = json.loads(notification.payload)
            self._heard.append(Hint(HintKind(kind), str(name)))
        except ValueError:
            return  # of a newer notifier

    async def _wait(self, db: PostgresConnection) -> None:
        """Return when something has come, or is to be sent."""
        if self._waiting or self._heard:
            return

        async def first(wait: Callable[..., Awaitable[object]], argument: float) -> None:
            await wait(argument)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(first, trio.lowlevel.wait_readable, db.raw.fileno())
            nursery.start_soon(first, self._to_send.wait, _FOR_EVER)
