"""Step 13: an attempt has a row once it is over; until then its delivery tells when it began.

`in_flight` was the number of the attempt, which `attempts` tells as well. It becomes the time of
the claim, in Unix seconds.
"""

CLAIM_TIMES = (
    """
    UPDATE deliveries SET in_flight = coalesce((
        SELECT started_at FROM attempts
        WHERE delivery = deliveries.id AND number = deliveries.in_flight
    ), due_at) WHERE in_flight IS NOT NULL
    """,
    "DELETE FROM attempts WHERE outcome IS NULL",
)
