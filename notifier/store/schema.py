"""The tables, as the list of steps that led to them; `user_version` counts the steps done.

A step that has been released is never edited: a new one is added behind it.
"""

import sqlite3

_FIRST = (
    """
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE watches (
        id INTEGER PRIMARY KEY,
        gateway TEXT NOT NULL,
        video_id TEXT NOT NULL,
        generation INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'ended', 'withdrawn')),
        endpoints TEXT,
        metadata TEXT NOT NULL,
        give_up_after REAL,
        taken_at REAL NOT NULL,
        closed_at REAL,
        snapshot TEXT,
        missing_since REAL,
        missing_count INTEGER NOT NULL DEFAULT 0,
        UNIQUE (gateway, video_id, generation)
    )
    """,
    "CREATE INDEX open_watches ON watches (id) WHERE state = 'open'",
    """
    CREATE TABLE listings (
        source TEXT NOT NULL,
        gateway TEXT NOT NULL,
        video_id TEXT NOT NULL,
        PRIMARY KEY (gateway, video_id, source)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE events (
        id TEXT PRIMARY KEY,
        watch INTEGER NOT NULL UNIQUE REFERENCES watches (id),
        type TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE bodies (
        event TEXT NOT NULL REFERENCES events (id),
        format TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (event, format)
    )
    """,
    """
    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY,
        event TEXT NOT NULL REFERENCES events (id),
        endpoint TEXT NOT NULL,
        format TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'
            CHECK (state IN ('pending', 'delivered', 'dead', 'cancelled')),
        due_at REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        in_flight INTEGER,
        reason TEXT NOT NULL DEFAULT '',
        settled_at REAL,
        UNIQUE (event, endpoint),
        FOREIGN KEY (event, format) REFERENCES bodies (event, format)
    )
    """,
    "CREATE INDEX due_deliveries ON deliveries (endpoint, due_at) WHERE state = 'pending'",
    """
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        delivery INTEGER NOT NULL REFERENCES deliveries (id),
        number INTEGER NOT NULL,
        started_at REAL NOT NULL,
        duration_ms INTEGER,
        outcome TEXT,
        status INTEGER,
        detail TEXT NOT NULL DEFAULT '',
        UNIQUE (delivery, number)
    )
    """,
    """
    CREATE TABLE disabled_endpoints (
        name TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        since REAL NOT NULL,
        url_mark TEXT NOT NULL
    ) WITHOUT ROWID
    """,
)

# events about endpoints belong to no watch; failing endpoints have a row before they are
# disabled. SQLite cannot drop a NOT NULL: the table is made anew, as its manual describes.
_ENDPOINT_HEALTH = (
    """
    CREATE TABLE endpoints (
        name TEXT PRIMARY KEY,
        url_mark TEXT NOT NULL,
        failing_since REAL,
        last_failure REAL,
        disabled TEXT,
        disabled_since REAL,
        recovering INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID
    """,
    """
    INSERT INTO endpoints (name, url_mark, disabled, disabled_since)
    SELECT name, url_mark, reason, since FROM disabled_endpoints
    """,
    "DROP TABLE disabled_endpoints",
    """
    CREATE TABLE new_events (
        id TEXT PRIMARY KEY,
        watch INTEGER UNIQUE REFERENCES watches (id),
        about TEXT,
        type TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        recorded_at REAL NOT NULL,
        CHECK ((watch IS NULL) <> (about IS NULL))
    ) WITHOUT ROWID
    """,
    """
    INSERT INTO new_events (id, watch, type, created_at, recorded_at)
    SELECT id, watch, type, created_at, created_at FROM events
    """,
    "DROP TABLE events",
    "ALTER TABLE new_events RENAME TO events",
    "CREATE INDEX recorded_events ON events (recorded_at)",
    "CREATE INDEX closed_watches ON watches (closed_at) WHERE state <> 'open'",
)

# dead letters are counted at every scrape, however many deliveries are kept
_DEAD_LETTERS = ("CREATE INDEX dead_deliveries ON deliveries (endpoint) WHERE state = 'dead'",)

# a watch added over the control API may have a callback URL
_CALLBACKS = (
    """
    CREATE TABLE callbacks (
        watch INTEGER PRIMARY KEY REFERENCES watches (id),
        url TEXT NOT NULL,
        endpoint TEXT NOT NULL
    )
    """,
)

# job samples; `last` is the newest sample of a class
_JOB_SAMPLES = (
    """
    CREATE TABLE lessons (
        id INTEGER PRIMARY KEY,
        gateway TEXT NOT NULL,
        model TEXT NOT NULL,
        seconds TEXT NOT NULL,
        size TEXT NOT NULL,
        duration REAL NOT NULL,
        gap REAL NOT NULL,
        requests INTEGER,
        readings TEXT NOT NULL,
        learned_at REAL NOT NULL
    )
    """,
    "CREATE INDEX lessons_of_class ON lessons (gateway, model, seconds, size, id)",
    """
    CREATE TABLE job_classes (
        gateway TEXT NOT NULL,
        model TEXT NOT NULL,
        seconds TEXT NOT NULL,
        size TEXT NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (gateway, model, seconds, size)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX unused_classes ON job_classes (last)",
)

# work that does not grow with the history: each query of the daemon has its index, and triggers
# count deliveries by endpoint and state. They use no OR IGNORE: an upsert that fires a trigger
# overrides the conflict clauses in it.
_COUNTS = (
    "CREATE INDEX listings_of_source ON listings (source)",
    "CREATE INDEX watches_by_state ON watches (state)",
    "CREATE INDEX open_by_gateway ON watches (gateway) WHERE state = 'open'",
    "CREATE INDEX watches_by_video ON watches (video_id)",
    "DROP INDEX open_watches",
    "DROP INDEX dead_deliveries",
    "CREATE INDEX settled_deliveries ON deliveries (settled_at, state) WHERE settled_at NOTNULL",
    """
    CREATE TABLE delivery_counts (
        endpoint TEXT NOT NULL,
        state TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (endpoint, state)
    ) WITHOUT ROWID
    """,
    "INSERT INTO delivery_counts SELECT endpoint, state, count(*) FROM deliveries GROUP BY 1, 2",
    """
    CREATE TRIGGER count_new_delivery AFTER INSERT ON deliveries BEGIN
        INSERT INTO delivery_counts SELECT NEW.endpoint, NEW.state, 0 WHERE NOT EXISTS (
            SELECT 1 FROM delivery_counts WHERE endpoint = NEW.endpoint AND state = NEW.state);
        UPDATE delivery_counts SET count = count + 1
        WHERE endpoint = NEW.endpoint AND state = NEW.state;
    END
    """,
    """
    CREATE TRIGGER count_changed_delivery AFTER UPDATE OF state ON deliveries
    WHEN OLD.state <> NEW.state BEGIN
        INSERT INTO delivery_counts SELECT NEW.endpoint, NEW.state, 0 WHERE NOT EXISTS (
            SELECT 1 FROM delivery_counts WHERE endpoint = NEW.endpoint AND state = NEW.state);
        UPDATE delivery_counts SET count = count - (state = OLD.state) + (state = NEW.state)
        WHERE endpoint = NEW.endpoint AND state IN (OLD.state, NEW.state);
    END
    """,
    """
    CREATE TRIGGER count_removed_delivery AFTER DELETE ON deliveries BEGIN
        UPDATE delivery_counts SET count = count - 1
        WHERE endpoint = OLD.endpoint AND state = OLD.state;
    END
    """,
)

STEPS: tuple[tuple[str, ...], ...] = (
    _FIRST,
    _ENDPOINT_HEALTH,
    _DEAD_LETTERS,
    _CALLBACKS,
    _JOB_SAMPLES,
    _COUNTS,
)
VERSION = len(STEPS)
"""The `user_version` that this notifier reads and writes."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to VERSION in one transaction, so that others see all steps or none.

    Foreign keys must not be enforced yet: a step may make a table anew. Raises sqlite3.Error; the
    file is as it was then.
    """
    (done,) = db.execute("PRAGMA user_version").fetchone()
    if done >= len(STEPS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in (each for step in STEPS[done:] for each in step):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
