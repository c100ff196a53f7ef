"""Step 14: endpoints that no live instance has are removed by looks, not by the time of a clock.

`looks_left` counts down while an instance does not have any more what a row says, see
`notifier.store.configured`. `instance_name` tells what is of one instance before and after a
restart, '' in rows of a daemon that has its store alone, and of older notifiers.
"""

ABSENCES = (
    "ALTER TABLE configured ADD COLUMN instance_name TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE configured ADD COLUMN looks_left INTEGER NOT NULL DEFAULT 1440",
)
