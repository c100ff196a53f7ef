"""Step 12: what several instances share, see `notifier.store.shared_store`.

A lease says which instance does a piece of work: `owner` is its row in `instances`, NULL while
nobody does it, and `epoch` counts the owners that it has had. `subject` is the gateway or endpoint
that the work is for. `configured` has what each instance's config has; `gone_at` is since when it
has not. A row without an instance is of a daemon that has its store alone. `shard` is a stripe of
consecutive watches, so that list pages stay whole.
"""

CLUSTER = (
    """
    CREATE TABLE instances (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        host TEXT NOT NULL,
        boot TEXT NOT NULL,
        pid BIGINT NOT NULL,
        version TEXT NOT NULL,
        schema_version BIGINT NOT NULL,
        started_at DOUBLE PRECISION NOT NULL,
        expires_at DOUBLE PRECISION NOT NULL,
        draining INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE configured (
        kind TEXT NOT NULL CHECK (kind IN ('gateway', 'endpoint')),
        name TEXT NOT NULL,
        instance TEXT NOT NULL,
        mark TEXT NOT NULL,
        gone_at DOUBLE PRECISION,
        PRIMARY KEY (kind, name, instance)
    )
    """,
    """
    INSERT INTO configured (kind, name, instance, mark)
    SELECT 'endpoint', substr(key, 8), '', value FROM meta WHERE key LIKE 'url of %'
    """,
    "DELETE FROM meta WHERE key LIKE 'url of %'",
    """
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('watch', 'lane', 'discovery', 'archive', 'chores')),
        subject TEXT NOT NULL,
        owner TEXT REFERENCES instances (id),
        epoch BIGINT NOT NULL DEFAULT 0,
        weight DOUBLE PRECISION NOT NULL DEFAULT 1
    )
    """,
    "CREATE INDEX leases_of_owner ON leases (owner, name)",
    """
    CREATE TABLE gateways (
        name TEXT PRIMARY KEY,
        rest_until DOUBLE PRECISION,
        refused_since DOUBLE PRECISION
    )
    """,
    """
    CREATE TABLE grants (
        gateway TEXT NOT NULL REFERENCES gateways (name),
        instance TEXT NOT NULL REFERENCES instances (id),
        budget DOUBLE PRECISION NOT NULL,
        rate DOUBLE PRECISION NOT NULL,
        wants DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (gateway, instance)
    )
    """,
    """
    CREATE TABLE mailbox (
        id INTEGER PRIMARY KEY,
        lease TEXT NOT NULL,
        watch BIGINT NOT NULL
    )
    """,
    "CREATE INDEX mailbox_of_lease ON mailbox (lease)",
    "ALTER TABLE watches ADD COLUMN shard INTEGER GENERATED ALWAYS AS (id / 1024 % 64) VIRTUAL",
)
