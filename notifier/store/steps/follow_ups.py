"""Step 10: what is to be done after a completed ending; see `notifier.model.follow_up`.

`expires_at` is by the steady clock, like every timestamp here.
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
)
