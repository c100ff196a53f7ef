"""The tables in PostgreSQL. Steps have the numbers of those of the file (`notifier.store.steps`).

The same tables and columns as in SQLite, with two differences: counts are views instead of tables
that triggers keep, and `bodies.rowid` is a column of its own. Texts compare byte by byte.
"""

from secrets import token_hex

from notifier.errors import StoreRefusedError
from notifier.store.connection import Connection, set_meta
from notifier.store.postgres.steps import FIRST, FIRST_VERSION, STEPS

VERSION = FIRST_VERSION + len(STEPS)
"""The schema that this notifier reads and writes."""

_MIGRATION = 0x6E6F7469
_MISUSE = 78


def version_of(db: Connection) -> int:
    """Return the schema of the store; 0 if there is none yet.

    Raises StoreRefusedError for one of a newer notifier, and for tables of some other program.
    """
    (schema, meta, foreign) = db.execute(
        "SELECT current_schema(), to_regclass(current_schema() || '.meta'), "
        "coalesce(to_regclass(current_schema() || '.watches'), "
        "to_regclass(current_schema() || '.events'))"
    ).fetchone()
    if schema is None:
        raise StoreRefusedError(
            "the database has no schema that this user may use: check search_path",
            exit_code=_MISUSE,
        )
    row = None
    if meta is not None:
        columns = db.execute(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass(current_schema() "
            "|| '.meta') AND attname IN ('key', 'value')"
        ).fetchone()
        if columns == (2,):
            row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if row is None and (meta is not None or foreign is not None):
        raise StoreRefusedError(
            f"the schema {schema} of the database has tables of some other program: give notifier "
            "a database or a schema of its own",
            exit_code=_MISUSE,
        )
    version = 0 if row is None else int(row[0])
    if version > VERSION:
        raise StoreRefusedError(
            f"the store was written by a newer notifier (schema {version}, this one knows "
            f"{VERSION}): run the newer one",
            exit_code=_MISUSE,
        )
    return version


def migrate(db: Connection) -> None:
    """Bring the store to VERSION in one transaction; others see all steps or none.

    Raises psycopg.Error, StoreRefusedError.
    """
    if version_of(db) == VERSION:
        return
    db.execute("BEGIN")
    db.execute("SET LOCAL statement_timeout = 0")
    db.execute(f"SELECT pg_advisory_xact_lock({_MIGRATION}, hashtext(current_schema()))")
    done = version_of(db)
    if done == 0:
        for statement in FIRST:
            db.execute(statement)
        set_meta(db, "store_id", token_hex(16))
        done = FIRST_VERSION
    for statement in (each for step in STEPS[done - FIRST_VERSION :] for each in step):
        db.execute(statement)
    set_meta(db, "schema", str(VERSION))
    db.execute("COMMIT")
