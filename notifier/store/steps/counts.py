"""Step 7: work that does not grow with the history.

Each query of the daemon has its index. Triggers count deliveries by endpoint and state, and open
watches by gateway. They use no OR IGNORE: an upsert that fires a trigger overrides the conflict
clauses in it.
"""

COUNTS = (
    "CREATE INDEX listings_of_source ON listings (source)",
    "CREATE INDEX watches_by_state ON watches (state)",
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
    """
    CREATE TABLE open_counts (
        gateway TEXT PRIMARY KEY,
        count INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    INSERT INTO open_counts
    SELECT gateway, count(*) FROM watches WHERE state = 'open' GROUP BY gateway
    """,
    """
    CREATE TRIGGER count_new_watch AFTER INSERT ON watches WHEN NEW.state = 'open' BEGIN
        INSERT INTO open_counts SELECT NEW.gateway, 0
        WHERE NOT EXISTS (SELECT 1 FROM open_counts WHERE gateway = NEW.gateway);
        UPDATE open_counts SET count = count + 1 WHERE gateway = NEW.gateway;
    END
    """,
    """
    CREATE TRIGGER count_changed_watch AFTER UPDATE OF state ON watches
    WHEN (OLD.state = 'open') <> (NEW.state = 'open') BEGIN
        UPDATE open_counts SET count = count + (NEW.state = 'open') - (OLD.state = 'open')
        WHERE gateway = NEW.gateway;
    END
    """,
    """
    CREATE TRIGGER count_removed_watch AFTER DELETE ON watches WHEN OLD.state = 'open' BEGIN
        UPDATE open_counts SET count = count - 1 WHERE gateway = OLD.gateway;
    END
    """,
)
