"""Statements for many rows of values, in SQLite."""

import sqlite3
from collections.abc import Iterable, Sequence

import pytest

from notifier.store.row_batches import connect

INSERT = "INSERT INTO things (name, size) VALUES (?, ?)"
SIZES = [0, 1, 2, 3, 63, 64, 65, 200]


def things() -> sqlite3.Connection:
    db = connect(":memory:")
    db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE, size INTEGER)")
    db.execute("CREATE TABLE copies (name TEXT, size INTEGER)")
    return db


def statements(db: sqlite3.Connection, sql: str, rows: Iterable[Sequence[object]]) -> int:
    """Return how many statements `executemany` takes."""
    made: list[str] = []
    db.set_trace_callback(made.append)
    db.executemany(sql, rows)
    db.set_trace_callback(None)
    return len(made)


@pytest.mark.parametrize("size", SIZES)
def test_every_row_is_inserted_in_order(size: int) -> None:
    db = things()
    rows = [(f"name {number}", number) for number in range(size)]
    assert max(db.executemany(INSERT, rows).rowcount, 0) == size
    assert db.execute("SELECT name, size FROM things ORDER BY id").fetchall() == rows


@pytest.mark.parametrize("size", SIZES)
def test_each_row_is_updated_with_its_own_values_and_the_changed_ones_are_counted(
    size: int,
) -> None:
    db = things()
    db.executemany(INSERT, [(f"name {number}", 0) for number in range(size)])
    changes = [(number, f"name {number}") for number in range(0, size, 2)] + [(7, "nobody")]
    changed = db.executemany("UPDATE things SET size = ? WHERE name = ? AND size = 0", changes)
    assert changed.rowcount == (size + 1) // 2
    sizes = [found for (found,) in db.execute("SELECT size FROM things ORDER BY id")]
    assert sizes == [number if number % 2 == 0 else 0 for number in range(size)]


def test_an_insert_from_a_select_is_joined_with_the_values() -> None:
    db = things()
    db.executemany(INSERT, [(f"name {number}", number) for number in range(10)])
    copied = db.executemany(
        "INSERT INTO copies (name, size) SELECT name, ? FROM things WHERE name = ?",
        [(100 + number, f"name {number}") for number in range(5, 15)],
    )
    assert copied.rowcount == 5
    found = db.execute("SELECT name, size FROM copies ORDER BY size").fetchall()
    assert found == [(f"name {number}", 100 + number) for number in range(5, 10)]


def test_a_conflict_in_one_row_raises_as_it_does_row_by_row() -> None:
    db = things()
    with pytest.raises(sqlite3.IntegrityError):
        db.executemany(INSERT, [("one", 1), ("two", 2), ("one", 3)])


def test_conflicts_that_are_passed_over_are_passed_over_row_by_row() -> None:
    db = things()
    added = db.executemany(
        f"{INSERT} ON CONFLICT DO NOTHING", [("one", 1), ("two", 2), ("one", 3)]
    )
    assert added.rowcount == 2


def test_two_hundred_rows_take_four_statements_and_few_different_ones() -> None:
    rows = [(f"name {number}", number) for number in range(200)]
    assert statements(things(), INSERT, rows) == 4


@pytest.mark.parametrize(
    "sql",
    [
        f"{INSERT} ON CONFLICT (name) DO UPDATE SET size = excluded.size",
        "INSERT INTO things (name, size) VALUES (?1, ?2)",
        "DELETE FROM things WHERE name = ? AND size = ?",
    ],
)
def test_what_cannot_be_joined_runs_row_by_row(sql: str) -> None:
    assert statements(things(), sql, [("one", 1), ("two", 2), ("three", 3)]) == 3


def test_the_search_goes_from_the_values_to_the_rows_by_their_key() -> None:
    db = things()
    db.executemany(INSERT, [(f"name {number}", 0) for number in range(500)])
    made: list[str] = []
    db.set_trace_callback(made.append)
    db.executemany("UPDATE things SET size = ? WHERE id = ?", [(1, 1), (2, 2)])
    db.executemany(
        "INSERT INTO copies (name, size) SELECT name, ? FROM things WHERE id = ?", [(1, 1), (2, 2)]
    )
    db.set_trace_callback(None)
    for sql in made:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert any("SEARCH things USING INTEGER PRIMARY KEY" in step for step in plan), plan
        assert not any("SCAN things" in step for step in plan), plan
