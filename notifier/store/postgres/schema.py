"""The tables in PostgreSQL. Steps have the numbers of those of the file (`notifier.store.steps`).

The same tables and columns as in SQLite, with two differences: counts are views instead of tables
that triggers keep, and `bodies.rowid` is a column of its own. Texts compare byte by byte.

Instances of two versions may work side by side while an upgrade goes from machine to machine. So
a notifier also works with the tables of a newer one, as long as its own version is not below
`oldest_writer` in `meta`. A step that raises this waits until no older instance lives.
"""

import time
from secrets import token_hex

from notifier import log
from notifier.errors import StoreRefusedError
from notifier.store import instances
from notifier.store.connection import Connection, set_meta
from notifier.store.oldest_writer import oldest_writer, refuse_older
from notifier.store.postgres.clock import database_time
from notifier.store.postgres.connection import PostgresConnection, is_lock_timeout
from notifier.store.postgres.steps import FIRST, FIRST_VERSION, STEPS, Step

VERSION = FIRST_VERSION + len(STEPS)
"""The schema that this notifier reads and writes."""

_META = ("meta", 2)
_MIGRATION = 0x6E6F7469
_MISUSE = 78
_PATIENCE = 60.0
_LOCK = "1s"
"""How long a step may wait for a table: others who want it wait behind the step."""

_PAUSE = 0.5
_SILENCE = 120.0
"""How long after its time an instance may still come back, in seconds; the longest lease."""


def version_of(db: Connection) -> int:
    """Return the schema of the store; 0 if there is none yet.

    Raises StoreRefusedError for one that only newer notifiers work with, and for tables of some
    other program.
    """
    (schema,) = db.execute("SELECT current_schema()").fetchone()
    if schema is None:
        raise StoreRefusedError(
            "the database has no schema that this user may use: check search_path",
            exit_code=_MISUSE,
        )
    tables = _tables(db)
    row = None
    if _META in tables:
        row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if row is None and tables:
        raise StoreRefusedError(
            f"the schema {schema} of the database has tables of some other program: give notifier "
            "a database or a schema of its own",
            exit_code=_MISUSE,
        )
    version = 0 if row is None else int(row[0])
    if version:
        refuse_older(db, VERSION)
    return version


def _tables(db: Connection) -> set[tuple[str, int]]:
    """Return those of ours by name that are there, each with how many columns of `meta` it has.

    to_regclass would answer from what this connection remembers: nothing makes it forget while it
    waits for its turn to make the tables.
    """
    rows = db.execute(
        "SELECT c.relname, (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid "
        "AND a.attname IN ('key', 'value')) FROM pg_class AS c "
        "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE n.nspname = current_schema() AND c.relname IN ('meta', 'watches', 'events')"
    )
    return set(rows)


def migrate(db: PostgresConnection) -> None:
    """Bring the store to VERSION in one transaction; others see all steps or none.

    Tables that others use are waited for a minute. Raises psycopg.Error, StoreRefusedError.
    """
    ends = time.monotonic() + _PATIENCE
    while version_of(db) < VERSION:
        try:
            with db.transaction("BEGIN", "SET LOCAL statement_timeout = 0"):
                _take_steps(db)
        except Exception as error:
            if not is_lock_timeout(error) or time.monotonic() > ends:
                raise
            time.sleep(_PAUSE)  # in the store's thread


def _take_steps(db: PostgresConnection) -> None:
    lock = f"({_MIGRATION}, hashtext(current_schema()))"
    (is_free,) = db.execute(f"SELECT pg_try_advisory_xact_lock{lock}").fetchone()
    if not is_free:
        log.get().info(
            "store_waits", hint="another instance is bringing the database to its newest schema"
        )
        db.execute(f"SELECT pg_advisory_xact_lock{lock}")
    done = version_of(db)
    if done >= VERSION:
        return
    if done == 0:
        for statement in FIRST:
            db.execute(statement)
        set_meta(db, "store_id", token_hex(16))
        done = FIRST_VERSION
    db.execute(f"SET LOCAL lock_timeout = '{_LOCK}'")
    for number, step in enumerate(STEPS[done - FIRST_VERSION :], start=done + 1):
        _take(db, step, number)
    set_meta(db, "schema", str(VERSION))


def _take(db: PostgresConnection, step: Step, number: int) -> None:
    if step.oldest_writer > oldest_writer(db):
        _refuse_beside_older(db, step.oldest_writer, number)
        set_meta(db, "oldest_writer", str(step.oldest_writer))
    for statement in step.statements:
        db.execute(statement)


def _refuse_beside_older(db: Connection, oldest: int, number: int) -> None:
    """Raise StoreRefusedError while an instance lives that a step would take the ground from."""
    now = database_time(db)
    # so that none joins before the step is done
    db.execute("LOCK TABLE instances IN SHARE ROW EXCLUSIVE MODE")
    for one in instances.alive(db):
        if one.instance.schema_version >= oldest:
            continue
        if one.expires_at + _SILENCE > now:
            raise StoreRefusedError(
                f"the store needs schema step {number}, after which the instance "
                f"{one.instance.name} (notifier {one.instance.version}) could not work any more: "
                "upgrade or stop it first"
            )
        instances.remove(db, one.instance.id, now)
