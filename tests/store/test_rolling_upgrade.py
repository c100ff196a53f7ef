"""Notifiers of two versions on one database, while an upgrade goes from machine to machine."""

from collections.abc import Callable, Iterator
from threading import Thread

import psycopg
import pytest

from notifier.errors import OutdatedError, StoreRefusedError
from notifier.model.instance import Instance
from notifier.store import instances
from notifier.store.connection import Connection
from notifier.store.postgres import schema
from notifier.store.postgres.clock import database_time
from notifier.store.postgres.database import PostgresDatabase
from notifier.store.postgres.steps import STEPS, Step
from tests.postgres import Server

NOW = schema.VERSION
EXPANDS = Step(("ALTER TABLE watches ADD COLUMN extra text",))
CONTRACTS = Step(("ALTER TABLE watches DROP COLUMN metadata",), oldest_writer=NOW + 1)

Release = Callable[..., None]


@pytest.fixture
def url(server: Server) -> str:
    return server.new_url()


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    """Return what makes this notifier one with these steps more."""

    def become(*steps: Step) -> None:
        monkeypatch.setattr(schema, "STEPS", (*STEPS, *steps))
        monkeypatch.setattr(schema, "VERSION", NOW + len(steps))

    return become


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(lambda: url)
    yield database
    database.close()


def start(url: str) -> None:
    PostgresDatabase(lambda: url).close()


def register(database: PostgresDatabase, version: int = NOW, ago: float = 0.0) -> None:
    """Let an instance of the name `old` live, which last beat so long ago."""

    def run(db: Connection) -> bool:
        one = Instance("id", "old", "host", "boot", 1, "0.9", version)
        return instances.register(db, one, 15.0, database_time(db) - ago)

    assert database.transact(run)


def alive(database: PostgresDatabase) -> list[str]:
    return [one.instance.name for one in database.query(instances.alive)]


def test_a_notifier_works_with_tables_that_a_newer_one_has_expanded(
    url: str, database: PostgresDatabase, release: Release
) -> None:
    register(database)
    database.close()
    release(EXPANDS)
    start(url)
    release()
    again = PostgresDatabase(lambda: url)
    assert alive(again) == ["old"]
    again.close()


def test_a_step_that_takes_something_away_is_refused_beside_an_older_instance(
    url: str, database: PostgresDatabase, release: Release
) -> None:
    register(database)
    database.close()
    release(CONTRACTS)
    with pytest.raises(StoreRefusedError, match=r"the instance old \(notifier 0\.9\)") as refused:
        start(url)
    assert refused.value.exit_code == 1
    release()
    again = PostgresDatabase(lambda: url)
    assert again.query(lambda db: db.execute("SELECT metadata FROM watches").fetchall()) == []
    again.transact(lambda db: instances.remove(db, "id", 0.0))
    again.close()
    release(CONTRACTS)
    start(url)


def test_an_instance_that_has_been_silent_for_minutes_stops_no_step(
    url: str, database: PostgresDatabase, release: Release
) -> None:
    register(database, ago=60.0)
    database.close()
    release(CONTRACTS)
    with pytest.raises(StoreRefusedError, match="the instance old"):
        start(url)
    release()
    again = PostgresDatabase(lambda: url)
    again.transact(lambda db: instances.remove(db, "id", 0.0))
    register(again, ago=600.0)
    again.close()
    release(CONTRACTS)
    newer = PostgresDatabase(lambda: url)
    assert alive(newer) == []
    newer.close()


def test_what_a_newer_notifier_has_taken_away_refuses_older_ones(
    url: str, database: PostgresDatabase, release: Release
) -> None:
    database.close()
    release(CONTRACTS)
    newer = PostgresDatabase(lambda: url)
    with pytest.raises(OutdatedError) as refused:
        register(newer, version=NOW)
    assert refused.value.exit_code == 78
    assert alive(newer) == []
    register(newer, version=NOW + 1)
    newer.close()
    release()
    with pytest.raises(StoreRefusedError, match="newer notifier") as refused_start:
        start(url)
    assert refused_start.value.exit_code == 78


def test_a_step_waits_for_who_reads_a_table_and_keeps_others_from_it_for_a_moment_only(
    url: str, database: PostgresDatabase, release: Release
) -> None:
    database.close()
    release(EXPANDS)
    with psycopg.connect(url) as reader, psycopg.connect(url, autocommit=True) as other:
        reader.execute("SELECT count(*) FROM watches")
        upgrade = Thread(target=start, args=(url,))
        upgrade.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid "
        waiting += "FROM pg_database WHERE datname = current_database())"
        while other.execute(waiting.encode()).fetchone() == (0,):
            assert upgrade.is_alive()
        # behind the step, until it gives way
        assert other.execute("SELECT count(*) FROM watches").fetchone() == (0,)
        assert upgrade.is_alive()
        reader.rollback()
        upgrade.join()
        row = other.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    assert row == (str(NOW + 1),)
