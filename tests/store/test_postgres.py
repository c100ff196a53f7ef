"""The store in PostgreSQL: what is different from a file."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
import trio
from psycopg.sql import SQL, Identifier, Literal
from structlog.testing import capture_logs

from notifier.app.store_opening import open_store
from notifier.errors import NotifierError, StoreError, StoreRefusedError
from notifier.model.instance import Instance
from notifier.store import ThreadExecutor
from notifier.store.access import change_database
from notifier.store.connection import SHARED_LOCK, Connection, set_meta
from notifier.store.operation import Operation
from notifier.store.postgres import schema as postgres_schema
from notifier.store.postgres.clock import database_time
from notifier.store.postgres.database import PostgresDatabase
from notifier.store.postgres.dialect import translate
from notifier.store.postgres.reading import open_database
from notifier.store.postgres.session import Session
from notifier.store.postgres.set_based import for_all
from notifier.store.schema import VERSION, migrate
from notifier.store.shared_store import SharedStore
from tests.builders import Time
from tests.config.config_files import GATEWAY, load_text
from tests.postgres import USER, Server
from tests.tcp_proxy import Proxy

FILE_ALONE = {"log_mark", "sqlite_sequence"}


@pytest.fixture
def url(server: Server) -> str:
    return server.new_url()


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(lambda: url)
    yield database
    database.close()


def test_values_are_numbered_as_they_come_or_as_they_are_numbered() -> None:
    assert translate("SELECT ? WHERE x = ?") == "SELECT $1 WHERE x = $2"
    assert translate("SELECT ?2 WHERE x = ?1") == "SELECT $2 WHERE x = $1"


def test_the_rows_of_a_fence_are_locked() -> None:
    assert translate(SHARED_LOCK) == "FOR SHARE"


def columns_in_file() -> set[tuple[str, str]]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db)
    tables = {
        name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    found = {
        (table, row[1])
        for table in tables - FILE_ALONE
        for row in db.execute(f"PRAGMA table_xinfo({table})")
    }
    db.close()
    return found


def test_both_engines_have_the_same_columns_and_the_same_version(
    database: PostgresDatabase,
) -> None:
    rows = database.query(
        lambda db: db.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema()"
        ).fetchall()
    )
    assert set(rows) - {("bodies", "rowid")} == columns_in_file()
    assert postgres_schema.VERSION == VERSION


def test_several_instances_open_one_store(url: str, database: PostgresDatabase) -> None:
    second = PostgresDatabase(lambda: url)
    assert second.store_id == database.store_id
    second.close()


def test_instances_that_start_at_once_on_an_empty_database_make_one_store(url: str) -> None:
    at_once = Barrier(4, timeout=30)

    def start() -> str:
        at_once.wait()
        return store_id(url)

    with ThreadPoolExecutor(at_once.parties) as pool:
        started = [pool.submit(start) for _ in range(at_once.parties)]
        assert len({each.result() for each in started}) == 1


@pytest.mark.parametrize("name", ["Notifier", "my schema", 'a"b', "a.b"])
def test_the_schema_may_have_any_name(server: Server, name: str) -> None:
    database = server.new_database()
    url = f"postgresql://{USER}@127.0.0.1:{server.port}/{database}"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
        names = (Identifier(each) for each in (database, name))
        db.execute(SQL("ALTER DATABASE {} SET search_path = {}").format(*names))
    first, again = (store_id(url) for _ in range(2))
    assert first == again


def store_id(url: str) -> str:
    with closing(PostgresDatabase(lambda: url)) as database:
        return database.store_id


def test_a_store_is_found_again_with_its_id(url: str, database: PostgresDatabase) -> None:
    database.close()
    again = PostgresDatabase(lambda: url)
    assert again.store_id == database.store_id
    again.close()


def test_a_newer_schema_is_refused_and_left_alone(url: str, database: PostgresDatabase) -> None:
    database.transact(set_meta, "schema", "1000")
    database.transact(set_meta, "oldest_writer", "999")
    database.close()
    with pytest.raises(StoreRefusedError, match="newer notifier") as refused:
        PostgresDatabase(lambda: url)
    assert refused.value.exit_code == 78


def test_the_tables_of_another_program_are_refused_and_left_alone(
    server: Server, url: str
) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE TABLE events (x integer)")
    with pytest.raises(StoreRefusedError, match="some other program") as refused:
        PostgresDatabase(lambda: url)
    assert refused.value.exit_code == 78


@pytest.mark.parametrize("rest", ["db/n?no=option", "[::1/n", "db:port/n", "db/n?x"])
def test_a_url_that_libpq_cannot_read_is_not_repeated(rest: str) -> None:
    with pytest.raises(StoreError) as refused:
        PostgresDatabase(lambda: f"postgresql://me:hunter2hunter2@{rest}")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "told", "kept"),
    [
        ("synchronous_commit", "off", "on"),
        ("default_transaction_isolation", "serializable", "read committed"),
    ],
)
def test_what_the_store_rests_on_is_set_whatever_the_server_has_been_told(
    url: str, database: PostgresDatabase, setting: str, told: str, kept: str
) -> None:
    database.close()
    names = {"setting": Identifier(setting), "told": Literal(told)}
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(SQL("ALTER ROLE notifier SET {setting} = {told}").format(**names))
        try:
            with closing(PostgresDatabase(lambda: url)) as again:
                shown = again.transact(lambda db: db.execute(f"SHOW {setting}").fetchone())
        finally:
            db.execute(SQL("ALTER ROLE notifier RESET {setting}").format(**names))
    assert shown == (kept,)


LIMITS = (
    *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"),
    "tcp_user_timeout",
)


def limits(db: Connection) -> dict[str, str]:
    return {name: db.execute(f"SHOW {name}").fetchone()[0] for name in LIMITS}


def test_the_limits_of_time_are_fractions_of_the_lease_that_is_configured(
    url: str, tmp_path: Path
) -> None:
    lines = f"store.url = '{url}'\ncluster.lease = '40s'\n{GATEWAY}"
    config = load_text(tmp_path, lines)
    with closing(open_store(config, adopt=False)) as opened:
        of_changes, of_reads = opened.transact(limits), opened.query(limits)
        done = [Operation(limits, writes=True, is_long=False) for _ in range(3)]
        for run, operation in zip(
            (opened.writers.endings[0], opened.writers.deliveries[0], opened.writers.leases),
            done,
            strict=True,
        ):
            run([operation])
    expected = dict(zip(LIMITS, ("20s", "12s", "12s", "40000"), strict=True))
    assert [of_changes, of_reads, *(each.result() for each in done)] == [expected] * 5
    with open_database(lambda: url, config.store.lease) as command:
        assert command is not None
        assert command.query(limits) == expected
    assert config.store.url is not None
    changed = change_database(config.store.url, config.store.lease, lambda db, _: limits(db))
    assert changed == {**expected, "statement_timeout": "0"}


def write(key: str, value: str | None = "") -> Operation:
    return Operation(
        lambda db: db.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, value)),
        writes=True,
        is_long=False,
    )


def keys(database: PostgresDatabase) -> set[str]:
    def read(db: Connection) -> set[str]:
        return {key for (key,) in db.execute("SELECT key FROM meta WHERE key LIKE 'x%'")}

    return database.query(read)


def test_of_operations_in_one_transaction_one_that_fails_fails_alone(
    database: PostgresDatabase,
) -> None:
    operations = [write("x1"), write("x2", None), write("x1"), write("x3")]
    database.writers.changes(operations)
    assert [operation.failed for operation in operations] == [False, True, True, False]
    assert keys(database) == {"x1", "x3"}


def test_a_connection_that_was_lost_while_idle_is_made_again(
    server: Server, database: PostgresDatabase
) -> None:
    server.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name "
        "LIKE 'notifier-%'"
    )
    wait_until_gone(server)
    database.transact(set_meta, "x1", "")
    assert keys(database) == {"x1"}


def wait_until_gone(server: Server) -> None:
    """Wait until the server has no connection of a store any more."""
    with psycopg.connect(server.url(), autocommit=True) as db:
        count = (1,)
        while count != (0,):
            count = db.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'notifier-%'"
            ).fetchone() or (1,)


def test_with_few_connections_endings_and_deliveries_share_that_of_changes(
    server: Server,
) -> None:
    role, schema = server.new_schema(), server.new_schema()
    server.sql(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 3")
    server.sql(f"GRANT ALL ON SCHEMA {schema} TO {role}")
    url = server.url(schema).replace(f"//{USER}@", f"//{role}@")

    def write_by_all() -> set[str]:
        kinds = few.writers
        runs = (kinds.leases, kinds.changes, *kinds.endings, *kinds.deliveries)
        for number, run in enumerate(runs):
            operation = write(f"x{number}-{len(keys(few))}")
            run([operation])
            operation.result()
        return keys(few)

    with closing(PostgresDatabase(lambda: url, lease=5.0)) as few, capture_logs() as logs:
        assert len(write_by_all()) == 6
        assert {line["event"] for line in logs} == {"store_lacks_connections"}
        server.sql(f"ALTER ROLE {role} CONNECTION LIMIT 8")
        time.sleep(0.6)  # a tenth of a lease time, for which no further attempt is made
        logs.clear()
        assert len(write_by_all()) == 12
        assert logs == []


def test_a_password_that_cannot_be_read_leaves_what_is_connected(url: str) -> None:
    known = True

    def reveal() -> str:
        if not known:
            raise NotifierError("the password's file is gone")
        return url

    with closing(PostgresDatabase(reveal)) as database, capture_logs() as logs:
        known = False
        for number, run in enumerate(database.writers.endings):
            operation = write(f"x{number}")
            run([operation])
            operation.result()
        assert keys(database) == {"x0", "x1"}
        lost = write("x2")
        database.writers.leases([lost])
        with pytest.raises(NotifierError, match="is gone"):
            lost.result()
    assert {line["reason"] for line in logs} == {"the password's file is gone"}


def test_a_call_that_gets_no_answer_ends_in_time_and_the_next_one_works(
    url: str,
) -> None:
    def wait(db: Connection) -> None:
        db.execute("SET LOCAL statement_timeout = 0")
        db.execute("SELECT pg_sleep(30)")

    waits = Operation(wait, writes=True, is_long=False)
    with closing(PostgresDatabase(lambda: url, lease=5.0)) as database:
        database.writers.changes([waits])
        with pytest.raises(StoreError, match="did not answer in time"):
            waits.result()
        database.writers.changes([write("x1")])
        assert keys(database) == {"x1"}


async def test_a_beat_that_gets_no_answer_ends_in_time(
    url: str, server: Server, database: PostgresDatabase
) -> None:
    between = Proxy(server.port)
    through = url.replace(f":{server.port}/", f":{between.port}/")
    shared = PostgresDatabase(lambda: through, lease=5.0)
    store = SharedStore(
        *(shared, ThreadExecutor(), Time()), name="alpha", database_time=database_time
    )
    one = Instance("id", "alpha", "host", "boot", 1, "1.0", VERSION)
    assert await store.register(one, 15.0, ["main"])
    between.swallows = True
    with trio.fail_after(10.0), pytest.raises(StoreError, match="did not answer in time"):
        await store.beat(15.0)
    between.close()
    shared.close()


def test_after_a_failure_to_connect_the_next_ones_fail_at_once_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def url() -> str:
        asked.append(1)
        return "postgresql://127.0.0.1:1/n"

    lost = Session(url, "test")
    for _ in range(20):
        with pytest.raises(StoreError, match="cannot be reached"):
            lost.connected()
    assert len(asked) < 5


def test_a_server_that_is_back_is_found_within_a_tenth_of_a_lease_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("notifier.store.postgres.session.time.monotonic", lambda: now)
    asked = []

    def url() -> str:
        asked.append(now)
        return "postgresql://127.0.0.1:1/n"

    lost = Session(url, "test", lease=30.0)
    while now < 1060.0:
        with pytest.raises(StoreError, match="cannot be reached"):
            lost.connected()
        now += 0.1
    waits = [later - before for before, later in pairwise(asked)]
    assert 2.8 <= max(waits) <= 3.15


@pytest.mark.parametrize(
    ("sql", "rows", "statement"),
    [
        (
            "INSERT INTO a (x, y) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(1, None), (2, None)],
            (
                "INSERT INTO a (x, y) SELECT v.p1, NULL FROM ROWS FROM (unnest($1), "
                "generate_series(1, $2)) AS v (p1, number) ON CONFLICT DO NOTHING"
            ),
        ),
        (
            "UPDATE a SET x = ? WHERE y = ?",
            [(1, "a")],
            (
                "UPDATE a SET x = v.p1 FROM ROWS FROM (unnest($1), unnest($2), "
                "generate_series(1, $3)) AS v (p1, p2, number) WHERE y = v.p2"
            ),
        ),
        (
            "DELETE FROM a WHERE x = ?",
            [(1,)],
            (
                "DELETE FROM a USING ROWS FROM (unnest($1), generate_series(1, $2)) "
                "AS v (p1, number) WHERE x = v.p1"
            ),
        ),
        (
            "INSERT INTO a (x) SELECT y FROM b WHERE y = ?",
            [(1,)],
            (
                "INSERT INTO a (x) SELECT y FROM b, ROWS FROM (unnest($1), "
                "generate_series(1, $2)) AS v (p1, number) WHERE y = v.p1"
            ),
        ),
    ],
)
def test_a_statement_for_many_rows_becomes_one_with_an_array_for_each_column(
    sql: str, rows: list[tuple[object, ...]], statement: str
) -> None:
    made = for_all(sql, rows)
    assert made is not None
    assert made[0] == statement


def test_what_updates_on_a_conflict_is_run_row_by_row() -> None:
    sql = "INSERT INTO a (x) VALUES (?) ON CONFLICT (x) DO UPDATE SET x = excluded.x"
    assert for_all(sql, [(1,), (1,)]) is None


def test_a_column_of_whole_numbers_and_others_is_of_the_others() -> None:
    made = for_all("INSERT INTO a (x) VALUES (?)", [(1,), (2.5,), (None,)])
    assert made is not None
    assert made[1] == [[1.0, 2.5, None], 3]
