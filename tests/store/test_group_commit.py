"""Operations that share a commit: each has its own outcome, and none waits needlessly."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
import trio
import trio.testing

from notifier.errors import ConflictError, StoreError
from notifier.store import Database, ThreadExecutor
from notifier.store.connection import Connection
from notifier.store.group_commit import GroupCommit
from notifier.store.operation import BulkOperation, Operation

P = ParamSpec("P")
T = TypeVar("T")


class Held:
    """An executor that starts its work after `go`; it counts the batches."""

    def __init__(self) -> None:
        self.go = trio.Event()
        self.batches = 0

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        await self.go.wait()
        self.batches += 1
        return function(*args, **kwargs)

    def another(self) -> "Held":
        return self


@pytest.fixture
def database() -> Database:
    database = Database.in_memory()
    database.transact(lambda db: db.execute("CREATE TABLE notes (x UNIQUE)"))
    return database


def note(x: object, *, is_long: bool = False) -> Operation:
    return Operation(
        lambda db: db.execute("INSERT INTO notes VALUES (?) RETURNING rowid", (x,)).fetchone()[0],
        writes=True,
        is_long=is_long,
    )


def noted(database: Database) -> list[object]:
    rows = database.transact(
        lambda db: db.execute("SELECT x FROM notes ORDER BY rowid").fetchall()
    )
    return [x for (x,) in rows]


async def test_operations_that_arrive_during_a_commit_share_the_next_one_in_order(
    database: Database,
) -> None:
    executor = Held()
    group = GroupCommit(database.transact_all, executor)
    async with trio.open_nursery() as nursery:
        for x in range(50):
            nursery.start_soon(group.run, note(x))
            await trio.testing.wait_all_tasks_blocked()
        executor.go.set()

    assert noted(database) == list(range(50))
    assert executor.batches == 2


async def test_one_that_fails_undoes_only_itself(database: Database) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO notes VALUES ('half')")
        raise ConflictError("it is there")

    calls = [note(1), Operation(half, writes=True, is_long=False), note(1), note(2)]
    database.transact_all(calls)

    assert noted(database) == [1, 2]
    assert [call.failed for call in calls] == [False, True, True, False]
    with pytest.raises(ConflictError, match="it is there"):
        calls[1].result()
    with pytest.raises(StoreError, match="UNIQUE"):
        calls[2].result()


class Notes:
    """Notes many values in one statement; remembers which."""

    def __init__(self) -> None:
        self.together: list[Sequence[object]] = []

    def __call__(self, db: Connection, values: Sequence[object]) -> list[str]:
        self.together.append(values)
        db.executemany("INSERT INTO notes VALUES (?)", [(x,) for x in values])
        return [f"noted {x}" for x in values]


async def test_operations_of_one_kind_run_together_and_each_has_its_result(
    database: Database,
) -> None:
    bulk, other = Notes(), Notes()
    calls = [BulkOperation(bulk, 1), note(2), BulkOperation(bulk, 3), BulkOperation(other, 4)]
    database.transact_all(calls)

    assert bulk.together == [[1, 3]]
    assert other.together == [[4]]
    assert [call.result() for call in calls if isinstance(call, BulkOperation)] == [
        *("noted 1", "noted 3", "noted 4")
    ]
    assert noted(database) == [1, 3, 2, 4]


async def test_when_a_bulk_fails_only_those_of_its_operations_fail_that_cannot_be_done(
    database: Database,
) -> None:
    bulk = Notes()
    calls = [note(2), *(BulkOperation(bulk, x) for x in (1, 2, 3))]
    database.transact_all(calls)

    assert bulk.together == [[1, 2, 3], [1], [2], [3]]
    assert noted(database) == [2, 1, 3]
    assert [call.failed for call in calls] == [False, False, True, False]
    with pytest.raises(StoreError, match="UNIQUE"):
        calls[2].result()


async def test_a_disk_failure_undoes_the_whole_batch(database: Database) -> None:
    def full(_: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    calls = [note(1), Operation(full, writes=True, is_long=False), note(2)]
    database.transact_all(calls)

    assert noted(database) == []
    for call in calls:
        with pytest.raises(StoreError, match="full"):
            call.result()


async def test_a_long_operation_has_a_transaction_of_its_own(database: Database) -> None:
    executor = Held()
    group = GroupCommit(database.transact_all, executor)
    calls = [note(0), note(1), note(2, is_long=True), note(3), note(4)]
    async with trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(group.run, call)
            await trio.testing.wait_all_tasks_blocked()
        executor.go.set()

    assert noted(database) == [0, 1, 2, 3, 4]
    assert executor.batches == 4


async def test_a_task_cancelled_before_its_operation_begins_withdraws_it(
    database: Database,
) -> None:
    executor = Held()
    group = GroupCommit(database.transact_all, executor)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(group.run, note("first"))
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0) as scope:
            await group.run(note("cancelled"))
        nursery.start_soon(group.run, note("last"))
        executor.go.set()

    assert scope.cancelled_caught
    assert noted(database) == ["first", "last"]


async def test_an_operation_that_has_begun_is_finished_even_if_its_task_is_cancelled(
    tmp_path: Path,
) -> None:
    database = Database.open(tmp_path / "n.db", tmp_path / "config.toml")
    database.transact(lambda db: db.execute("CREATE TABLE notes (x UNIQUE)"))
    group = GroupCommit(database.transact_all, ThreadExecutor())
    begun, go = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> None:
        begun.set()
        go.wait(10)
        db.execute("INSERT INTO notes VALUES ('slow')")

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(group.run, Operation(slow, writes=True, is_long=False))
            await trio.to_thread.run_sync(begun.wait)
            nursery.start_soon(group.run, note("taken back"))
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
            go.set()

    await group.run(note("after"))
    assert noted(database) == ["slow", "after"]
    database.close()


async def test_a_thread_that_cannot_be_started_fails_all_operations_and_blocks_none(
    database: Database,
) -> None:
    class Broken(Held):
        async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
            if self.batches == 0:
                self.batches += 1
                raise RuntimeError("can't start new thread")
            return await super().run(function, *args, **kwargs)

    executor = Broken()
    executor.go.set()
    group = GroupCommit(database.transact_all, executor)
    first = note(1)
    await group.run(first)
    with pytest.raises(RuntimeError, match="thread"):
        first.result()
    await group.run(note(2))
    assert noted(database) == [2]
