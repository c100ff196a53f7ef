"""Step 9: what discovery remembers of each gateway's list; see `notifier.model.discovery`.

`epoch` tells the jobs of one base_url from those of the one before, which are removed bit by bit.
`walk` is the number of the walk that first saw a job. `names` is a list in JSON, `inner` the inner
id of an encoded one.
"""

DISCOVERY = (
    """
    CREATE TABLE discovery_marks (
        gateway TEXT PRIMARY KEY,
        base_url TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        has_baseline INTEGER NOT NULL,
        baseline_until INTEGER,
        floor INTEGER,
        walk INTEGER NOT NULL,
        oldest_first INTEGER NOT NULL,
        tail TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE discovered_jobs (
        id INTEGER PRIMARY KEY,
        gateway TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        key TEXT NOT NULL,
        names TEXT NOT NULL,
        inner TEXT,
        created_at INTEGER,
        walk INTEGER NOT NULL,
        confirmed INTEGER NOT NULL,
        UNIQUE (gateway, key, epoch)
    )
    """,
    """
    CREATE INDEX discovered_jobs_by_inner ON discovered_jobs (gateway, inner)
    WHERE inner NOTNULL
    """,
    "CREATE INDEX discovered_jobs_in_order ON discovered_jobs (gateway, epoch, id)",
)
