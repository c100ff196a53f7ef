"""Step 10: the host name of each callback, and the queue of names that callbacks wait for.

See `notifier.store.callback_hosts`. Of callbacks that are pending already, what stands between
`//` and the next `/` is taken for the host name.
"""

_ENTER = (
    "INSERT INTO callback_hosts (endpoint, host, next_at) "
    "VALUES (NEW.endpoint, NEW.host, NEW.due_at) "
    "ON CONFLICT (endpoint, host) DO UPDATE SET next_at = min(next_at, excluded.next_at);"
)

CALLBACK_HOSTS = (
    "ALTER TABLE deliveries ADD COLUMN host TEXT",
    """
    CREATE TABLE callback_hosts (
        endpoint TEXT NOT NULL,
        host TEXT NOT NULL,
        next_at REAL NOT NULL,
        PRIMARY KEY (endpoint, host)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX next_callback_hosts ON callback_hosts (endpoint, next_at, host)",
    """
    CREATE INDEX due_callbacks ON deliveries (endpoint, host, due_at)
    WHERE host NOTNULL AND state = 'pending' AND in_flight IS NULL
    """,
    f"""
    CREATE TRIGGER enter_new_callback AFTER INSERT ON deliveries
    WHEN NEW.host NOTNULL AND NEW.state = 'pending' BEGIN {_ENTER} END
    """,
    f"""
    CREATE TRIGGER enter_callback_again AFTER UPDATE OF state, due_at, in_flight ON deliveries
    WHEN NEW.host NOTNULL AND NEW.state = 'pending' AND NEW.in_flight IS NULL
    BEGIN {_ENTER} END
    """,
    """
    UPDATE deliveries SET host = (
        SELECT lower(substr(rest, 1, instr(rest || '/', '/') - 1)) FROM (
            SELECT substr(c.url, instr(c.url, '//') + 2) AS rest
            FROM events e JOIN callbacks c ON c.watch = e.watch WHERE e.id = deliveries.event
        )
    ), due_at = due_at WHERE endpoint LIKE '%@callback'
    """,
)
