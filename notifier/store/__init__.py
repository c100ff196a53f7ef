"""The store: the daemon's durable state, in one SQLite file that one process owns.

`creation` makes a new file and `database` opens, locks and migrates it. `watches`, `outbox`,
`endpoints` and others are plain SQL functions over an open connection. `store` runs each of them
in a transaction in the store's own thread; `group_commit` lets operations that arrive at the same
time share one. `reader` serves commands beside the daemon and only reads. `backup`
copies the file and puts a copy back.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.store.backup import back_up, restore
    from notifier.store.database import Database, daemon_is_running
    from notifier.store.executor import InlineExecutor, ThreadExecutor
    from notifier.store.lock import StoreInUseError
    from notifier.store.ownership import (
        is_same_config,
        record_signers,
        recorded_config,
        recorded_signers,
        refuse_foreign,
    )
    from notifier.store.reader import Reader, open_reader
    from notifier.store.store import Store
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "backup": ("back_up", "restore"),
            "database": ("Database", "daemon_is_running"),
            "executor": ("InlineExecutor", "ThreadExecutor"),
            "lock": ("StoreInUseError",),
            "ownership": (
                "is_same_config",
                "record_signers",
                "recorded_config",
                "recorded_signers",
                "refuse_foreign",
            ),
            "reader": ("Reader", "open_reader"),
            "store": ("Store",),
        },
    )

__all__ = [
    "Database",
    "InlineExecutor",
    "Reader",
    "Store",
    "StoreInUseError",
    "ThreadExecutor",
    "back_up",
    "daemon_is_running",
    "is_same_config",
    "open_reader",
    "record_signers",
    "recorded_config",
    "recorded_signers",
    "refuse_foreign",
    "restore",
]
