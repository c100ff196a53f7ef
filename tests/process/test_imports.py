"""Commands import only what they use; modules are counted, because time depends on the machine."""

import sys
from pathlib import Path

import pytest
import trio

from tests.process.harness import clean_environment, running, world

HEAVY = ("httpx", "hypercorn", "pydantic", "starlette", "structlog", "trio", "watchfiles")


async def imported(*arguments: str | Path) -> set[str]:
    """Run a command and return the names of all modules that it imported."""
    done = await trio.run_process(
        [sys.executable, "-X", "importtime", "-m", "notifier", *map(str, arguments)],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.decode().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def packages(modules: set[str], names: tuple[str, ...]) -> set[str]:
    return {each.partition(".")[0] for each in modules} & set(names)


async def test_commands_beside_a_daemon_import_only_what_they_use(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        async with running(w.save()):
            status = await imported("status", "-c", w.config_path)
            added = await imported("watch", "add", "job", "-c", w.config_path)
            removed = await imported("watch", "remove", "job", "-c", w.config_path)
    assert packages(status, HEAVY) == set()
    for modules in (added, removed):
        assert packages(modules, (*HEAVY, "rich")) == set()
    assert len(status) < 420
    assert max(len(added), len(removed)) < 300


@pytest.mark.parametrize("arguments", [("secret",), ("watch", "add", "--help"), ("--version",)])
async def test_commands_that_need_no_config_do_not_read_one(arguments: tuple[str, ...]) -> None:
    assert packages(await imported(*arguments), (*HEAVY, "rich")) == set()
