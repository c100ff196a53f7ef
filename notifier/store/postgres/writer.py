"""Runs operations on a connection that writes."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple, cast

from notifier import log
from notifier.errors import NotifierError
from notifier.store import attempts, claims
from notifier.store.connection import Cursor
from notifier.store.operation import Bulk, BulkOperation, Operation, by_kind
from notifier.store.postgres import hot
from notifier.store.postgres.connection import FAILURES, MEETINGS, PostgresConnection, translated
from notifier.store.postgres.session import LONG_CALL, Session


class _SetBased(NamedTuple):
    """A bulk change as one statement: what sends it, and what makes results of its rows."""

    ask: Callable[[PostgresConnection, Sequence[Any]], Cursor]
    results: Callable[[Cursor, Sequence[Any]], Sequence[Any]]


_SET_BASED: dict[Bulk, _SetBased] = {
    claims.claim_all: _SetBased(hot.claim, hot.claimed),
    attempts.record_delivered: _SetBased(hot.record_delivered, hot.recorded),
}
"""The hot changes that have a statement of their own here, by what does the same elsewhere."""

_MEETINGS = 5
"""How often an operation may meet others before it has failed."""

_Results = Callable[[], Sequence[object]]


class Writer:
    """Runs transactions on the connection of `session`, one at a time.

    While the server gives none for this session, those of `spare` are used, whose connection
    works: the work goes on, if more slowly.
    """

    def __init__(self, session: Session, spare: "Writer | None" = None) -> None:
        self.session = session
        self._spare = spare
        self._is_short = False
        self._alone = Lock()  # a spare writer is used from several threads

    def transact_all(self, operations: Sequence[Operation]) -> None:
        """Run `operations` in one transaction and put its outcome into each.

        If one fails, each is run again in a transaction of its own, unless the connection failed:
        then all have failed.
        """
        if (spare := self._needed_spare()) is not None:
            spare.transact_all(operations)
            return
        with self._alone:
            self._transact(operations)

    def _needed_spare(self) -> "Writer | None":
        """Return the spare writer while it has a connection and this one has none."""
        if self._spare is None:
            return None
        try:
            self.session.connected()
        except (*FAILURES, NotifierError) as error:
            if not self._spare.session.is_connected:
                return None
            self._report(error)
            return self._spare
        self._is_short = False
        return None

    def _report(self, error: Exception) -> None:
        if not self._is_short:
            self._is_short = True
            log.get().warning(
                "store_lacks_connections",
                reason=str(error),
                hint="it goes on with fewer, more slowly; docs/cluster.md says how many it uses",
            )

    def _transact(self, operations: Sequence[Operation]) -> None:
        try:
            self._run_again_if_met(operations)
        except (*FAILURES, NotifierError) as error:
            if len(operations) > 1 and self.session.is_connected:
                for operation in operations:
                    self._transact([operation])
            else:
                for operation in operations:
                    operation.fail(translated(error))

    def _run_again_if_met(self, operations: Sequence[Operation]) -> None:
        """Run operations; one that met another instance's does well once it sees what that did."""
        for _ in range(_MEETINGS if len(operations) == 1 else 0):
            try:
                self._run(operations)
            except MEETINGS:
                continue
            return
        self._run(operations)

    def _run(self, operations: Sequence[Operation]) -> None:
        """Send everything, then the COMMIT, before the rows of set-based changes are read."""
        is_long = any(operation.is_long for operation in operations)
        db = self.session.connected()
        db.end_within(LONG_CALL if is_long else self.session.call)
        groups = by_kind(operations)
        with db.transaction("BEGIN", *(["SET LOCAL statement_timeout = 0"] if is_long else [])):
            done = [_done(group, db) for group in groups]
        for group, results in zip(groups, done, strict=True):
            for operation, result in zip(group, results(), strict=True):
                operation.succeed(result)


def _done(operations: Sequence[Operation], db: PostgresConnection) -> _Results:
    """Run operations of one kind; return what gives their results once they are committed."""
    first = operations[0]
    if not isinstance(first, BulkOperation):
        result = first.work(db)
        return lambda: [result]
    arguments = [cast("BulkOperation", operation).argument for operation in operations]
    together = _SET_BASED.get(first.bulk)
    if together is None:
        results = first.bulk(db, arguments)
        return lambda: results
    cursor = together.ask(db, arguments)
    return lambda: together.results(cursor, arguments)
