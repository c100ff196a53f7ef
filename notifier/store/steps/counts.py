"""Step 7: work that does not grow with the history.

Each query of the daemon has its index, and triggers count deliveries by endpoint and state. They
use no OR IGNORE: an upsert that fires a trigger overrides the conflict clauses in it.
"""

COUNTS = (
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
