"""Step 11: what is to be done after a completed ending; see `notifier.model.follow_up`.

`expires_at` and `deadline` are by the steady clock, like every timestamp here. A download outlives
its watch as long as its file is kept.
"""

FOLLOW_UPS = (
    """
    CREATE TABLE expiry_timers (
        watch INTEGER PRIMARY KEY REFERENCES watches (id),
        gateway TEXT NOT NULL,
        expires_at REAL NOT NULL
    )
    """,
    "CREATE INDEX expiry_timers_in_order ON expiry_timers (gateway, expires_at)",
    """
    CREATE TABLE downloads (
        watch INTEGER PRIMARY KEY,
        gateway TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'
            CHECK (state IN ('pending', 'archived', 'failed', 'removed')),
        due_at REAL NOT NULL,
        deadline REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        reason TEXT NOT NULL DEFAULT '',
        etag TEXT,
        synced INTEGER NOT NULL DEFAULT 0,
        path TEXT,
        bytes INTEGER,
        sha256 TEXT,
        content_type TEXT,
        settled_at REAL
    )
    """,
    "CREATE INDEX due_downloads ON downloads (gateway, due_at) WHERE state = 'pending'",
    "CREATE INDEX archived_files ON downloads (settled_at) WHERE state = 'archived'",
)
