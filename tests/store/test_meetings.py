"""Two instances that do the same in PostgreSQL at the same moment: both do well."""

import threading
from collections.abc import Callable
from contextlib import closing
from queue import SimpleQueue
from typing import TypeVar

import psycopg

from notifier.model.watch import ListingChange
from notifier.store import api_watches, shared_watches, watches
from notifier.store.connection import Connection
from notifier.store.postgres.connection import PostgresConnection
from notifier.store.postgres.database import PostgresDatabase
from tests.builders import START, listing, spec
from tests.postgres import Server

T = TypeVar("T")


def wait_until_blocked(work: threading.Thread, url: str, pid: int) -> None:
    """Return once the work on a connection waits for another one, or is over."""
    with psycopg.connect(url, autocommit=True) as db:
        waits = 0
        while work.is_alive() and not waits:
            row = db.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid]).fetchone()
            waits = 0 if row is None else row[0]


def during(
    url: str,
    first: Callable[[PostgresConnection], object],
    second: Callable[[Connection], T],
) -> T:
    """Begin `second` before what `first` did is committed; return its result."""
    results = SimpleQueue[T]()
    with (
        closing(PostgresDatabase(lambda: url)) as database,
        closing(PostgresConnection(url)) as db,
    ):
        pid = database.writer().raw.info.backend_pid
        work = threading.Thread(target=lambda: results.put(database.transact(second)))
        with db.transaction("BEGIN"):
            first(db)
            work.start()
            wait_until_blocked(work, url, pid)
        work.join()
    return results.get_nowait()


def open_videos(url: str) -> list[tuple[str, str]]:
    with psycopg.connect(url) as db:
        return db.execute("SELECT video_id, state FROM watches").fetchall()


def test_a_video_that_both_begin_to_watch_is_watched_once(server: Server) -> None:
    url = server.new_url()
    PostgresDatabase(lambda: url).close()
    _, opened = during(
        url,
        lambda db: watches.insert(db, [spec("video")], START),
        lambda db: api_watches.add(db, spec("video"), None, START, again=False),
    )
    assert not opened
    assert open_videos(url) == [("video", "open")]


def test_a_watch_that_moves_from_one_instances_file_to_anothers_stays_open(server: Server) -> None:
    url = server.new_url()
    moved = spec("video")
    with closing(PostgresDatabase(lambda: url)) as database:
        database.transact(shared_watches.sync, [listing(moved, source="f")], [], "alpha", START)
    during(
        url,
        lambda db: shared_watches.sync(db, [listing(moved, source="f")], [], "beta", START),
        lambda db: shared_watches.change(
            db, [ListingChange("f", removed=(moved.key,))], "alpha", START
        ),
    )
    assert open_videos(url) == [("video", "open")]
