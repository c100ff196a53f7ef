"""Step 8: a mark that every commit renews, to recognise a log that belongs to another database.

`notifier.store.write_ahead_log` reads it from the files themselves, so its row has a fixed form.
The page that it stands on is in the header's `application_id`, which `migrate` sets.
"""

LOG_MARK = (
    """
    CREATE TABLE log_mark (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        previous BLOB NOT NULL,
        mark BLOB NOT NULL
    )
    """,
    "INSERT INTO log_mark VALUES (1, zeroblob(16), randomblob(16))",
)
