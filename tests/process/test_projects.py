"""Two projects of one user: each has its own daemon, and no command acts on the other."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from notifier.config import load
from notifier.store import Database, recorded_config
from tests.faults.jobs import ENDLESS, finish
from tests.process.harness import Daemon, World, notifier, running, world


@pytest.fixture
def home() -> Iterator[Path]:
    """Make a state folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="n", dir="/tmp") as folder:
        yield Path(folder)


@asynccontextmanager
async def project(folder: Path) -> AsyncIterator[World]:
    """Set up a project that names no store."""
    folder.mkdir(parents=True, exist_ok=True)
    async with world(folder) as w:
        w.receivers["app"] = await w.receiver()
        w.endpoint(w.receivers["app"])
        w.config["store"] = {}
        w.save()
        yield w


async def command(w: World, *arguments: str, home: Path) -> tuple[int, str]:
    """Run a command in a project's folder; return its exit code and all that it printed."""
    done = await notifier(*arguments, cwd=w.folder, env={"XDG_STATE_HOME": str(home)})
    return done.returncode, done.stdout + done.stderr


async def test_two_projects_side_by_side_share_nothing(tmp_path: Path, home: Path) -> None:
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(project(tmp_path / name / "clips"))
            for name in ("one", "two")
        ]
        daemons: list[Daemon] = [
            await stack.enter_async_context(running(w.config_path, XDG_STATE_HOME=str(home)))
            for w in (one, two)
        ]
        stores = {daemon.logs("started")[0]["store"] for daemon in daemons}
        assert len(stores) == 2
        assert not any(daemon.logs("control_unavailable") for daemon in daemons)

        one.sandbox.create(video_id="job", duration=ENDLESS)
        assert (await command(one, "watch", "add", "job", home=home))[0] == 0
        assert "1 open watch" in (await command(one, "status", home=home))[1]
        assert "0 open watches" in (await command(two, "status", home=home))[1]
        for w, daemon in zip((one, two), daemons, strict=True):
            assert f"pid {daemon.process.pid}" in (await command(w, "status", home=home))[1]
            assert (await command(w, "reload", home=home))[0] == 0
            await daemon.wait_for_log("reloaded")


async def test_without_a_daemon_of_its_own_a_project_does_not_use_that_of_another(
    tmp_path: Path, home: Path
) -> None:
    async with (
        project(tmp_path / "one") as one,
        project(tmp_path / "two") as two,
        running(one.config_path, XDG_STATE_HOME=str(home)) as daemon,
    ):
        assert "no daemon is running" in (await command(two, "status", home=home))[1]
        code, said = await command(two, "reload", home=home)
        assert (code, "no daemon" in said) == (1, True)
        assert (await command(two, "watch", "add", "job", home=home))[0] == 0
        assert "0 open watches" in (await command(one, "status", home=home))[1]
        assert daemon.logs("reloaded") == []


COMMANDS = (
    ("status",),
    ("watch", "add", "job"),
    ("watch", "list"),
    ("events", "list"),
    ("events", "resend", "evt_1"),
    ("replay", "--since", "1h"),
    ("endpoints", "enable", "app"),
    ("reload",),
)


@pytest.mark.parametrize("shared", ["store", "socket"])
async def test_a_shared_store_or_socket_is_refused_to_the_config_that_does_not_own_it(
    tmp_path: Path, home: Path, shared: str
) -> None:
    async with project(tmp_path / "one") as one, project(tmp_path / "two") as two:
        for w in (one, two):
            if shared == "store":
                w.config["store"] = {"path": str(home / "shared.db")}
            else:
                w.config["http"] = {"socket": str(home / "shared.sock")}
            w.save()
        one.watch("job")
        one.sandbox.create(video_id="job", duration=ENDLESS)
        async with running(one.save(), XDG_STATE_HOME=str(home)) as daemon:
            reads_only = {"list", "show"} if shared == "socket" else set()
            for arguments in COMMANDS:
                if reads_only & set(arguments):
                    continue
                if (shared, arguments[0]) == ("socket", "endpoints"):
                    continue
                code, said = await command(two, *arguments, home=home)
                assert code in {1, 78}, (arguments, said)
                assert str(one.config_path) in said, arguments
                assert f"-c {one.config_path}" in said, arguments
            assert not (two.folder / "watches.d").exists()
            assert daemon.logs("reloaded") == []
            assert "1 open watch" in (await command(one, "status", home=home))[1]


async def test_a_second_start_names_the_daemon_and_how_to_reload_and_stop_it(
    tmp_path: Path, home: Path
) -> None:
    async with (
        project(tmp_path / "one") as one,
        running(one.config_path, XDG_STATE_HOME=str(home)) as daemon,
    ):
        code, said = await command(one, "run", home=home)
        assert code == 1
        assert f"already running on {one.config_path} (pid {daemon.process.pid}" in said
        assert f"notifier reload -c {one.config_path}" in said
        assert f"kill {daemon.process.pid}" in said


def store_of(w: World, home: Path) -> Path:
    return load(w.config_path, {"XDG_STATE_HOME": str(home)}).store_path


async def test_an_old_store_of_this_config_is_used_where_it_is(tmp_path: Path, home: Path) -> None:
    old = home / "notifier" / "notifier.db"
    async with project(tmp_path / "one") as one, project(tmp_path / "two") as two:
        Database.open(old, one.config_path).close()
        async with (
            running(one.config_path, XDG_STATE_HOME=str(home)) as first,
            running(two.config_path, XDG_STATE_HOME=str(home)) as second,
        ):
            assert first.logs("started")[0]["store"] == str(old)
            assert len(first.logs("store_at_old_path")) == 1
            assert second.logs("started")[0]["store"] == str(store_of(two, home))
            for w, daemon in ((one, first), (two, second)):
                assert f"pid {daemon.process.pid}" in (await command(w, "status", home=home))[1]
                assert (await command(w, "reload", home=home))[0] == 0
        assert recorded_config(old) == one.config_path
        assert first.logs("restart_needed") == []


@pytest.mark.parametrize("at_old_path", [False, True])
async def test_a_moved_project_is_refused_a_new_store_and_adopts_the_one_it_had(
    tmp_path: Path, home: Path, *, at_old_path: bool
) -> None:
    async with project(tmp_path / "before") as w:
        w.sandbox.create(video_id="job", duration=ENDLESS)
        w.watch("job")
        w.save()
        if at_old_path:
            Database.open(home / "notifier" / "notifier.db", w.config_path).close()
        async with running(w.config_path, XDG_STATE_HOME=str(home)) as daemon:
            finish(w, "job")
            await w.receivers["app"].wait_for(1)
            assert await daemon.end() == 0
        shutil.move(tmp_path / "before", tmp_path / "after")
        w.folder = tmp_path / "after"

        code, said = await command(w, "run", home=home)
        assert code == 78
        assert str(tmp_path / "before" / "config.toml") in said
        assert "notifier run --adopt" in said
        assert not store_of(w, home).exists()

        code, said = await command(w, "run", "--adopt", "--exit-when-done", home=home)
        assert code == 0, said
        assert recorded_config(store_of(w, home)) == w.config_path
        assert len(w.receivers["app"].got) == 1  # what has ended is not sent again
        async with running(w.config_path, XDG_STATE_HOME=str(home)) as daemon:
            assert daemon.logs("store_adopted") == []


async def test_another_projects_store_without_a_config_does_not_stop_a_new_project(
    tmp_path: Path, home: Path
) -> None:
    async with project(tmp_path / "old") as old, project(tmp_path / "new") as new:
        async with running(old.config_path, XDG_STATE_HOME=str(home)) as daemon:
            assert await daemon.end() == 0
        shutil.rmtree(old.folder)
        async with running(new.config_path, XDG_STATE_HOME=str(home)) as daemon:
            (mentioned,) = daemon.logs("stores_without_config")
            assert "--adopt" in mentioned["hint"]


async def test_a_folder_with_a_very_long_name_has_a_daemon_that_can_be_asked(
    tmp_path: Path, home: Path
) -> None:
    deep = home / ("a" * 200)
    async with (
        project(tmp_path / ("n" * 250)) as w,
        running(w.config_path, XDG_STATE_HOME=str(deep)) as daemon,
    ):
        assert daemon.logs("control_unavailable") == []
        assert f"pid {daemon.process.pid}" in (await command(w, "status", home=deep))[1]
