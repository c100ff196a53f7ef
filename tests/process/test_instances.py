"""`notifier instances`: who shares a database, and how what a dead machine listed is dropped."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from notifier.model.instance import Instance
from notifier.store import instances, shared_watches
from notifier.store.engine import Engine
from notifier.store.postgres.clock import database_time
from notifier.store.schema import VERSION
from tests.builders import listing, spec
from tests.postgres import Server
from tests.process.databases import on_postgres
from tests.process.harness import notifier, world


@contextmanager
def database(url: str) -> Iterator[Engine]:
    from notifier.store.postgres.database import PostgresDatabase  # noqa: PLC0415 - an extra

    with closing(PostgresDatabase(lambda: url)) as opened:
        yield opened


def leave_behind(url: str, *, lives_for: float) -> None:
    """Have an instance `web-2` with one watch, as a machine that was lost leaves it."""
    with database(url) as db:
        now = db.transact(database_time)
        instance = Instance("id", "web-2", "host", "boot", 7, "1.0", VERSION)
        assert db.transact(instances.register, instance, lives_for, now)
        db.transact(shared_watches.sync, [listing(spec("lost"))], [], "web-2", now)


def expire(url: str) -> None:
    """Let the time of all instances be over."""
    with database(url) as db:
        db.transact(lambda connection: connection.execute("UPDATE instances SET expires_at = 1"))


async def test_a_machine_that_is_gone_is_forgotten_once_and_not_while_it_lives(
    tmp_path: Path, server: Server
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        url = server.new_url()
        env = on_postgres(w, url)
        leave_behind(url, lives_for=600)
        shown = await notifier("instances", "-c", w.config_path, env=env)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert shown.stdout.splitlines()[0].split() == (
            "Instance Version Up Beat Watches Lanes Config".split()
        )
        assert "web-2" in shown.stdout
        refused = await notifier("instances", "forget", "web-2", "-c", w.config_path, env=env)
        assert refused.returncode == 1
        assert "instance web-2 lives (pid 7 on host): stop it first" in refused.stderr

        expire(url)
        (row,) = json.loads(
            (await notifier("instances", "--json", "-c", w.config_path, env=env)).stdout
        )
        assert row["alive"] is False
        done = await notifier("instances", "forget", "web-2", "-c", w.config_path, env=env)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "forgot what the files of web-2 listed; 1 watch is withdrawn\n"
        unknown = await notifier("instances", "forget", "web-3", "-c", w.config_path, env=env)
        assert unknown.returncode == 1
        assert "nothing is known of an instance web-3" in unknown.stderr


async def test_a_state_in_a_file_has_no_instances(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        path = w.save()
        shown = await notifier("instances", "-c", path)
        assert shown.returncode == 0
        assert shown.stdout == (
            "the state is in a file, which one notifier has for itself: there are no instances\n"
        )
        assert (await notifier("instances", "--json", "-c", path)).stdout == "[]\n"
        refused = await notifier("instances", "forget", "web-2", "-c", path)
        assert refused.returncode == 1
        assert "there are no instances" in refused.stderr
