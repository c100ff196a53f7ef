"""`watch add --again` writes the next generation into a drop-in, without a daemon in between."""

import tomllib
from pathlib import Path

import trio

from notifier.cli.watch_listings import all_listings
from notifier.config import load
from notifier.store import Database
from notifier.store.endings import EndedWatch, record_all
from notifier.store.watches import sync
from tests.builders import START, new_event, snapshot
from tests.process.harness import notifier, world


async def test_again_is_the_next_generation_after_any_number_of_lives(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        path = w.save()
        for generation in range(1, 5):
            again = ["--again"] if generation > 1 else []
            added = await notifier("watch", "add", "job", *again, "-c", path)
            assert (added.returncode, "Traceback" in added.stderr) == (0, False)
            (dropin,) = (tmp_path / "watches.d").iterdir()
            (entry,) = tomllib.loads(await trio.Path(dropin).read_text())["watches"]
            assert entry.get("generation", 1) == generation
            live(path, dropin, ends=generation % 2 == 1)


def live(path: Path, dropin: Path, *, ends: bool) -> None:
    """Do to the store what a daemon does: open the watch, then end or withdraw it."""
    config = load(path, {})
    database = Database.open(config.store_path, path)
    try:
        (watch,) = database.transact(sync, all_listings(config), [], START)
        if ends:
            event = new_event(f"evt_{watch.row}")
            ending = EndedWatch(watch.row, event, snapshot(), START)
            assert None not in database.transact(record_all, [ending])
        else:
            dropin.unlink()
            database.transact(sync, [config.listing], [dropin.name], START)
    finally:
        database.close()
