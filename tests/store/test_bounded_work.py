"""No query of the daemon reads the whole history: SQLite's own plans say so."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.model.delivery import CallbackDemand, Format
from notifier.model.discovery import Fate, FoundJob, Mark
from notifier.model.event import EventKind
from notifier.model.follow_up import FollowUpPlan
from notifier.model.watch import ListingChange, WatchKey
from notifier.store import (
    api_watches,
    callback_hosts,
    claims,
    delivery_counts,
    discovery,
    downloads,
    endings,
    expiry_timers,
    listings,
    outbox,
    pruning,
    queries,
    resending,
    watches,
)
from notifier.store.endings import EndedWatch
from notifier.store.pruning import Position
from notifier.store.queries import EventFilter, WatchFilter
from notifier.store.resending import Recipient, Replay
from notifier.store.schema import migrate
from tests.builders import new_event, snapshot, spec

WORK: dict[str, Callable[[sqlite3.Connection], object]] = {
    "add a watch": lambda db: api_watches.add(db, spec(), None, 0.0, again=False),
    "change a source": lambda db: watches.change(
        db, [ListingChange("a.toml", (spec(),), (WatchKey("main", "other"),))], 0.0
    ),
    "record an ending": lambda db: endings.record_all(
        db, [EndedWatch(1, new_event(), snapshot(), 0.0)]
    ),
    "claim": lambda db: claims.claim_due(db, "app", 4, 0.0),
    "next due": lambda db: claims.next_due(db, "app"),
    "claim callbacks": lambda db: callback_hosts.claim(
        db, "app@callback", CallbackDemand(4, {"a.example": 1.0}), 0.0
    ),
    "claim callbacks of proven hosts": lambda db: callback_hosts.claim(
        db, "app@callback", CallbackDemand(4, {}, ["a.example"]), 0.0
    ),
    "next callback": lambda db: callback_hosts.next_look(db, "app@callback"),
    "count deliveries": lambda db: delivery_counts.count_deliveries(db, 0.0),
    "count backlogs": lambda db: delivery_counts.backlogs(db, ()),
    "count open watches": watches.open_by_gateway,
    "endpoint views": queries.endpoint_views,
    "one watch": lambda db: queries.watch(db, WatchKey("main", "video_1")),
    "a watch by id alone": lambda db: queries.watches(db, WatchFilter(video_id="video_1")),
    "open watches": lambda db: queries.watches(db, WatchFilter(state="open")),
    "latest events": lambda db: queries.events(db, EventFilter()),
    "one event": lambda db: queries.event(db, "evt_1"),
    "events of a video": lambda db: queries.events(db, EventFilter(video_id="video_1")),
    "events since": lambda db: queries.events(db, EventFilter(since=0.0, until=1.0)),
    "prune events": lambda db: pruning.prune_events(db, 0.0, Position(0.0)),
    "prune watches": lambda db: pruning.prune_watches(db, 0.0, Position(0.0)),
    "replay": lambda db: resending.replay(
        db,
        Replay(0.0, 1.0, undelivered=True),
        [Recipient("app", Format.STANDARD, ("video.*",))],
        lambda body, _: body,
        0.0,
    ),
    "load discovery": lambda db: discovery.load(db, "main", "url"),
    "record what was discovered": lambda db: discovery.record(
        db, "main", [FoundJob("a", ("a", "b"), None, Fate.TAKEN)], 1, Mark("url"), 0.0
    ),
    "confirm a job": lambda db: discovery.confirm(db, "main", 1, "a", 0.0, runs=True),
    "forget old jobs": lambda db: discovery.forget(db, "main", Mark("url"), 1),
    "forget earlier jobs": lambda db: discovery.forget_earlier(db, "main", 2),
    "record an ending with a timer": lambda db: endings.record_all(
        db, [EndedWatch(1, new_event(), snapshot(), 0.0, plan=FollowUpPlan(1.0))]
    ),
    "record an ending with a download": lambda db: endings.record_all(
        db, [EndedWatch(1, new_event(), snapshot(), 0.0, plan=FollowUpPlan(archive=True))]
    ),
    "due downloads": lambda db: downloads.earliest(db, "main", 4),
    "progress of a download": lambda db: downloads.record_progress(db, 1, "", 1),
    "a fetched download": lambda db: downloads.record_fetched(db, 1, None),
    "postpone a download": lambda db: downloads.postpone(db, 1, 1.0, ""),
    "settle a download": lambda db: downloads.settle(db, 1, "archived", 1.0),
    "pending downloads": downloads.pending,
    "count waiting downloads": downloads.waiting,
    "old files": lambda db: downloads.old_files(db, 1.0, 10),
    "forget a file": lambda db: downloads.forget_file(db, 1),
    "view of a download": lambda db: downloads.view(db, 1),
    "expiry timers": lambda db: expiry_timers.earliest(db, "main", 4),
    "move a timer": lambda db: expiry_timers.move(db, 1, 2.0),
    "remove a timer": lambda db: expiry_timers.remove(db, 1),
    "record a follow-up": lambda db: outbox.record_follow_up(
        db, 1, EventKind.EXPIRING, new_event(), 0.0
    ),
    "sources of a watch": lambda db: listings.sources_of(db, WatchKey("main", "video_1")),
}

SMALL = frozenset({"endpoints", "delivery_counts", "open_counts", "meta", "json_each", "l", "c"})
"""Tables that grow with the config alone, and aliases of rows already found."""


def plans(work: Callable[[sqlite3.Connection], object], path: Path) -> list[str]:
    """Return a line of SQLite's plan for each step of each statement that `work` runs."""
    db = sqlite3.connect(path, isolation_level=None)
    migrate(db)
    db.execute("BEGIN")
    api_watches.add(db, spec(), None, 0.0, again=False)
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    work(db)
    db.set_trace_callback(None)
    lines = []
    for statement in statements:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            lines += [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    db.close()
    return lines


def is_scan(line: str) -> bool:
    """Tell whether a step reads a whole table; reading an index in its order stops at a LIMIT."""
    scanned = re.match(r"SCAN (\w+)", line)
    return scanned is not None and scanned[1] not in SMALL and " INDEX " not in line


@pytest.mark.parametrize("name", WORK)
def test_nothing_reads_a_whole_table(name: str, tmp_path: Path) -> None:
    lines = plans(WORK[name], tmp_path / "store.db")
    assert lines
    assert [line for line in lines if is_scan(line)] == []


def test_what_is_different_in_a_source_costs_nothing_for_other_open_watches(
    tmp_path: Path,
) -> None:
    lines = plans(WORK["change a source"], tmp_path / "store.db")
    assert not [line for line in lines if "(state=?)" in line]


def test_a_scan_is_recognised(tmp_path: Path) -> None:
    lines = plans(lambda db: db.execute("SELECT * FROM events WHERE type = 'x'"), tmp_path / "s")
    assert any(is_scan(line) for line in lines)
