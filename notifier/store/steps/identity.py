"""Step 6: ids that are never used again, and one event of each kind for a watch.

SQLite cannot add AUTOINCREMENT or a constraint to a table: the tables are made anew, as its manual
describes. `first_taken_ms` (Unix milliseconds) is written once, when a generation is first taken:
event ids are derived from it. `in_flight` is the number of the attempt that is being made.
"""

IDENTITY = (
    "INSERT OR IGNORE INTO meta VALUES ('store_id', lower(hex(randomblob(16))))",
    """
    CREATE TABLE new_watches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        gateway TEXT NOT NULL,
        video_id TEXT NOT NULL,
        generation INTEGER NOT NULL,
        first_taken_ms INTEGER NOT NULL,
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
    """
    INSERT INTO new_watches
    SELECT id, gateway, video_id, generation, CAST(taken_at * 1000 AS INTEGER), state, endpoints,
        metadata, give_up_after, taken_at, closed_at, snapshot, missing_since, missing_count
    FROM watches
    """,
    "DROP TABLE watches",
    "ALTER TABLE new_watches RENAME TO watches",
    "CREATE INDEX open_watches ON watches (id) WHERE state = 'open'",
    "CREATE INDEX closed_watches ON watches (closed_at) WHERE state <> 'open'",
    """
    CREATE TABLE new_events (
        id TEXT PRIMARY KEY,
        watch INTEGER REFERENCES watches (id),
        kind TEXT CHECK (kind IN ('ending', 'expiring', 'archived', 'archive_failed')),
        about TEXT,
        type TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        recorded_at REAL NOT NULL,
        UNIQUE (watch, kind),
        CHECK ((watch IS NULL) <> (about IS NULL)),
        CHECK ((watch IS NULL) = (kind IS NULL))
    ) WITHOUT ROWID
    """,
    """
    INSERT INTO new_events
    SELECT id, watch, iif(watch IS NULL, NULL, 'ending'), about, type, created_at, recorded_at
    FROM events
    """,
    "DROP TABLE events",
    "ALTER TABLE new_events RENAME TO events",
    "CREATE INDEX recorded_events ON events (recorded_at)",
    """
    CREATE TABLE new_deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
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
    """
    INSERT INTO new_deliveries
    SELECT id, event, endpoint, format, state, due_at, attempts, failures,
        iif(in_flight IS NULL, NULL, attempts), reason, settled_at
    FROM deliveries
    """,
    "DROP TABLE deliveries",
    "ALTER TABLE new_deliveries RENAME TO deliveries",
    "CREATE INDEX due_deliveries ON deliveries (endpoint, due_at) WHERE state = 'pending'",
    "CREATE INDEX dead_deliveries ON deliveries (endpoint) WHERE state = 'dead'",
    """
    CREATE TABLE new_attempts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
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
    INSERT INTO new_attempts
    SELECT id, delivery, number, started_at, duration_ms, outcome, status, detail FROM attempts
    """,
    "DROP TABLE attempts",
    "ALTER TABLE new_attempts RENAME TO attempts",
    "DROP INDEX lessons_of_class",
    "ALTER TABLE lessons RENAME TO job_samples",
    "ALTER TABLE job_samples RENAME COLUMN learned_at TO recorded_at",
    "CREATE INDEX job_samples_of_class ON job_samples (gateway, model, seconds, size, id)",
)
