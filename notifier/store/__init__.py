"""The store: what notifier must not forget, in one SQLite file that one process owns.

`database` opens, locks and migrates the file; `watches`, `outbox` and `endpoints` are plain
SQL functions over an open connection; `store` runs each of them in a transaction in the
store's own thread, and `group` lets those share one that come at the same time. `reader` is for
commands beside the daemon: it only ever reads.
"""

from notifier.store.database import Database, daemon_is_running
from notifier.store.executor import InlineExecutor, ThreadExecutor
from notifier.store.reader import Reader, open_reader
from notifier.store.store import Store

__all__ = [
    "Database",
    "InlineExecutor",
    "Reader",
    "Store",
    "ThreadExecutor",
    "daemon_is_running",
    "open_reader",
]
