"""`notifier health`, which containers use as their health check."""

from pathlib import Path

import trio

from tests.faults.disks import fill, small_disk
from tests.process.harness import PATIENCE, notifier, running, world


async def test_it_passes_while_the_daemon_is_ready_and_fails_while_none_runs(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        here = ("-c", w.save())
        before = await notifier("health", *here)
        async with running(w.config_path) as daemon:
            ready = await notifier("health", *here)
            assert await daemon.end() == 0
    assert (before.returncode, before.stdout) == (1, "")
    assert "no daemon is running" in before.stderr
    assert (ready.returncode, ready.stdout) == (0, "ready\n")


async def test_a_config_that_was_broken_since_the_start_makes_no_daemon_unhealthy(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.config["store"] = {}
        env = {"STATE_DIRECTORY": str(tmp_path / "state")}
        async with running(w.save(), STATE_DIRECTORY=env["STATE_DIRECTORY"]) as daemon:
            with w.config_path.open("a") as config:
                config.write("x = \n")
            ready = await notifier("health", "-c", w.config_path, env=env)
            assert await daemon.end() == 0
        gone = await notifier("health", "-c", w.config_path, env=env)
    assert (ready.returncode, ready.stdout) == (0, "ready\n")
    assert (gone.returncode, "config.toml" in gone.stderr) == (78, True)


async def test_it_names_what_is_not_ready(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state"):
        async with world(tmp_path) as w:
            w.endpoint(await w.receiver())
            here = ("-c", w.save())
            async with running(w.config_path):
                filler = fill(tmp_path / "state")
                with trio.fail_after(PATIENCE):
                    while (unready := await notifier("health", *here)).returncode == 0:
                        pass
                filler.unlink()
    assert unready.returncode == 1
    assert "not ready: the store takes no writes" in unready.stderr
