"""Where watches come from: files that appear, change, break and vanish under a running daemon."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from structlog.testing import capture_logs

from notifier.config import Config, load
from notifier.model.watch import Watch, WatchChanges
from notifier.polling.sources import Sources
from notifier.store import Store, ThreadExecutor
from notifier.store.connection import Connection
from tests.builders import memory_database

CONFIG = """
[gateways.main]
base_url = "http://127.0.0.1:9/v1"
[[watches]]
video_id = "from-config"
"""


def dropin(folder: Path, name: str, *video_ids: str, extra: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text("".join(f'[[watches]]\nvideo_id = "{v}"\n{extra}\n' for v in video_ids))
    return path


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return load(path, {"XDG_STATE_HOME": str(tmp_path)})


class KnownSources(Sources):
    """Sources that remember which watches are open after all changes."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, Store(memory_database(), ThreadExecutor(), lambda: 0.0))
        self.open: dict[int, Watch] = {}

    def apply(self, changes: WatchChanges) -> None:
        self.open |= {watch.row: watch for watch in (*changes.opened, *changes.updated)}
        for row in changes.withdrawn:
            del self.open[row]

    def ids(self) -> set[str]:
        return {watch.key.video_id for watch in self.open.values()}


def make_sources(config: Config) -> KnownSources:
    return KnownSources(config)


async def listed(sources: KnownSources) -> set[str]:
    await sources.update(sources.apply)
    return sources.ids()


async def test_watches_come_from_the_config_and_its_dropins(config: Config) -> None:
    dropin(config.watch_dir, "a", "one", "two")
    dropin(config.watch_dir, ".hidden", "no")
    (config.watch_dir / "notes.txt").write_text("not a drop-in")
    assert await listed(make_sources(config)) == {"from-config", "one", "two"}


async def test_nothing_is_done_when_nothing_has_changed(config: Config) -> None:
    dropin(config.watch_dir, "a", "one")
    sources = make_sources(config)
    await listed(sources)
    assert not await sources.read()


async def test_what_the_store_has_lost_is_taken_again(config: Config) -> None:
    dropin(config.watch_dir, "a", "one")
    database = memory_database()
    sources = Sources(config, Store(database, ThreadExecutor(), lambda: 0.0))
    await sources.read()

    def lose(db: Connection) -> None:
        db.execute("DELETE FROM listings")
        db.execute("DELETE FROM watches")

    database.transact(lose)
    assert not await sources.read()
    sources.forget()
    opened = {watch.key.video_id for watch in (await sources.read()).opened}
    assert opened == {"from-config", "one"}


async def test_a_deleted_dropin_withdraws_what_nobody_else_lists(config: Config) -> None:
    path = dropin(config.watch_dir, "a", "one", "from-config")
    sources = make_sources(config)
    await listed(sources)
    path.unlink()
    assert await listed(sources) == {"from-config"}


async def test_a_dropin_that_breaks_keeps_its_watches_and_is_reported_once(
    config: Config,
) -> None:
    path = dropin(config.watch_dir, "a", "one")
    dropin(config.watch_dir, "b", "two")
    sources = make_sources(config)
    await listed(sources)
    path.write_text("[[watches]\n")
    dropin(config.watch_dir, "c", "three")

    with capture_logs() as logs:
        assert await listed(sources) == {"from-config", "one", "two", "three"}
        await sources.read()

    (line,) = logs
    assert (line["event"], Path(str(line["file"])).name) == ("dropin_ignored", "a.toml")


async def test_a_dropin_that_is_empty_for_a_moment_keeps_its_watches(config: Config) -> None:
    """Shells and editors empty a file before they write it."""
    path = dropin(config.watch_dir, "a", "one")
    sources = make_sources(config)
    (_, first) = (await sources.read()).opened
    sources.apply(WatchChanges(opened=[first]))
    path.write_text("")

    with capture_logs() as logs:
        assert await listed(sources) == {"one"}
    dropin(config.watch_dir, "a", "one", "two")
    assert await listed(sources) == {"one", "two"}

    assert [(line["event"], line["reason"]) for line in logs] == [("dropin_ignored", "is empty")]
    assert sources.open[first.row] is first


async def test_a_dropin_that_says_it_lists_nothing_withdraws_its_watches(config: Config) -> None:
    path = dropin(config.watch_dir, "a", "one")
    sources = make_sources(config)
    await listed(sources)
    path.write_text("# nothing at the moment\n")
    assert await listed(sources) == {"from-config"}


async def test_a_mended_dropin_counts_again(config: Config) -> None:
    path = dropin(config.watch_dir, "a", "one")
    sources = make_sources(config)
    await listed(sources)
    path.write_text("broken")
    with capture_logs():
        await sources.read()
    dropin(config.watch_dir, "a", "two")
    assert await listed(sources) == {"from-config", "two"}


async def test_a_folder_that_vanishes_withdraws_nothing(config: Config) -> None:
    dropin(config.watch_dir, "a", "one")
    sources = make_sources(config)
    await listed(sources)
    shutil.rmtree(config.watch_dir)
    assert await listed(sources) in (None, {"from-config", "one"})


async def test_a_folder_that_cannot_be_read_withdraws_nothing(config: Config) -> None:
    dropin(config.watch_dir, "a", "one")
    sources = make_sources(config)
    await listed(sources)
    shutil.rmtree(config.watch_dir)
    config.watch_dir.write_text("a file where the folder was")
    assert await listed(sources) in (None, {"from-config", "one"})


async def test_a_dropin_that_contradicts_another_is_ignored_by_name(config: Config) -> None:
    dropin(config.watch_dir, "a", "one")
    dropin(config.watch_dir, "b", "one", extra='metadata = { x = "y" }')
    with capture_logs() as logs:
        assert await listed(make_sources(config)) == {"from-config", "one"}
    (line,) = logs
    assert "b.toml" in str(line["file"])
    assert "a.toml" in str(line)


class Recorder:
    """Waits for what `Sources.run` applies."""

    def __init__(self, sources: KnownSources) -> None:
        self.sources = sources
        self.changed = trio.Event()

    def __call__(self, changes: WatchChanges) -> None:
        self.sources.apply(changes)
        self.changed.set()

    async def until(self, condition: Callable[[set[str]], bool]) -> None:
        with trio.fail_after(120):
            while not condition(self.sources.ids()):
                await self.changed.wait()
                self.changed = trio.Event()


async def test_changes_are_noticed_while_running_also_in_a_folder_made_anew(
    config: Config,
) -> None:
    sources = make_sources(config)
    recorder = Recorder(sources)
    await listed(sources)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sources.run, recorder)
        dropin(config.watch_dir, "a", "one")
        await recorder.until(lambda videos: "one" in videos)
        shutil.rmtree(config.watch_dir)
        dropin(config.watch_dir, "b", "two")
        await recorder.until(lambda videos: videos == {"from-config", "two"})
        dropin(config.watch_dir, "c", "three")
        await recorder.until(lambda videos: "three" in videos)
        nursery.cancel_scope.cancel()


async def test_a_file_whose_name_is_no_text_harms_nobody(config: Config) -> None:
    dropin(config.watch_dir, "a", "one")
    odd = os.fsencode(config.watch_dir) + b"/\xff.toml"
    Path(os.fsdecode(odd)).write_text('[[watches]]\nvideo_id = "odd"\n')
    sources = make_sources(config)
    recorder = Recorder(sources)
    with capture_logs() as logs:
        assert await listed(sources) == {"from-config", "one"}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sources.run, recorder)
            Path(os.fsdecode(odd[:-5] + b".txt")).write_text("")
            dropin(config.watch_dir, "b", "two")
            await recorder.until(lambda videos: "two" in videos)
            nursery.cancel_scope.cancel()
    assert [line["reason"] for line in logs if line["event"] == "dropin_ignored"] == [
        "the file's name is not UTF-8"
    ]


async def test_many_dropins_that_vanish_at_once_are_noticed(config: Config) -> None:
    paths = [dropin(config.watch_dir, f"d{n}", f"v{n}") for n in range(6)]
    sources = make_sources(config)
    await listed(sources)
    seen: list[WatchChanges] = []
    paths.pop().unlink()
    await sources.update(seen.append)
    for path in paths:
        path.unlink()
    await sources.update(seen.append)
    assert [(len(each.withdrawn), each.lost_files) for each in seen] == [(1, 0), (5, 5)]


async def test_dropins_that_vanished_while_the_daemon_was_off_are_noticed(config: Config) -> None:
    for n in range(3):
        dropin(config.watch_dir, f"d{n}", f"v{n}")
    store = Store(memory_database(), ThreadExecutor(), lambda: 0.0)
    await Sources(config, store).read()
    shutil.rmtree(config.watch_dir)
    config.watch_dir.mkdir()
    with capture_logs() as lines:
        await Sources(config, store).read()
    assert [line["files"] for line in lines if line["event"] == "dropins_lost"] == [3]
