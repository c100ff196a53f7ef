"""PostgreSQL without space, read-only from the start, or slow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres
from tests.faults.disks import fill, small_disk
from tests.faults.jobs import begin, finish
from tests.postgres import Server, give, own_folder
from tests.process.databases import on_postgres
from tests.process.harness import World, eventually, notifier, running, world
from tests.tcp_proxy import Proxy


@contextmanager
def small_database(server: Server) -> Iterator[tuple[str, Path]]:
    """Make a database on a disk of a few MiB; yield its name and the disk's folder.

    The disk holds tables and indexes alone: without space for its log a server crashes.
    """
    if reason := postgres.missing():
        pytest.skip(reason)
    with own_folder("pg-small-") as folder, small_disk(folder / "disk", "24m"):
        give(folder / "disk")
        place = folder / "disk" / "tables"
        place.mkdir(mode=0o700)
        give(place)
        name = server.new_database()
        server.sql(f"CREATE TABLESPACE {name} LOCATION '{place}'")
        server.sql(f"ALTER DATABASE {name} SET TABLESPACE {name}")
        try:
            yield name, folder / "disk"
        finally:
            server.sql(f"DROP DATABASE {name} WITH (FORCE)")
            server.sql(f"DROP TABLESPACE {name}")


def polls_of(w: World, video_id: str) -> int:
    return sum(asked.path.endswith(f"/{video_id}") for asked in w.sandbox.requests)


async def test_an_ending_that_finds_no_space_is_sent_once_there_is_some(
    tmp_path: Path, server: Server
) -> None:
    with small_database(server) as (name, disk):
        async with world(tmp_path) as w:
            app = await w.receiver()
            w.endpoint(app)
            begin(w, "job", "other")
            env = on_postgres(w, f"postgresql://notifier@127.0.0.1:{server.port}/{name}")
            async with running(w.config_path, **env) as daemon:
                await daemon.wait_for_log("poll", 2)
                filler = fill(disk)
                finish(w, "job")
                await daemon.wait_for_log("poller_waits_for_store")
                (error, *_) = daemon.logs("poller_waits_for_store")
                assert "could not extend file" in error["reason"]
                polled = polls_of(w, "other")
                await eventually(lambda: polls_of(w, "other") > polled, "polling goes on")
                assert app.got == []

                filler.unlink()
                await app.wait_for(1)
                await daemon.wait_for_log("attempt")
                assert await daemon.end() == 0
    assert [got.event["data"]["id"] for got in app.got] == ["job"]


async def test_a_server_that_only_reads_refuses_the_start_in_one_sentence(
    tmp_path: Path, server: Server
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        name = server.new_database()
        server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        env = on_postgres(w, f"postgresql://notifier@127.0.0.1:{server.port}/{name}")
        refused = await notifier("run", "-c", w.config_path, env=env)
        assert refused.returncode == 1
        (line,) = refused.stderr.splitlines()
        assert "read-only transaction" in line


async def test_of_several_hosts_that_are_not_there_each_is_named(
    tmp_path: Path, server: Server
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        hosts = f"127.0.0.1:1,127.0.0.1:{server.port}"
        env = on_postgres(
            w,
            f"postgresql://notifier:hunter2hunter2@{hosts}/postgres?target_session_attrs=standby",
        )
        refused = await notifier("run", "-c", w.config_path, env=env)
        assert refused.returncode == 1
        (line,) = refused.stderr.splitlines()
        assert "port 1 failed: Connection refused" in line
        assert f"port {server.port} failed: server is not in hot standby mode" in line
        assert "hunter2hunter2" not in line


async def test_a_server_at_the_other_end_of_the_world_delays_and_doubles_nothing(
    tmp_path: Path, server: Server
) -> None:
    between = Proxy(server.port)
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "first", "second", "third")
        env = on_postgres(w, server.url(server.new_schema(), between.port))
        async with running(w.config_path, **env) as daemon:
            between.delay = 0.1
            for video in ("first", "second", "third"):
                finish(w, video)
            await app.wait_for(3)
            await daemon.wait_for_log("attempt", 3)
            assert await daemon.end() == 0
            assert "did not answer in time" not in daemon.log_path.read_text()
    between.close()
    assert sorted(got.event["data"]["id"] for got in app.got) == ["first", "second", "third"]
