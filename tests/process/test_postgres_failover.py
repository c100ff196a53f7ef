"""A primary dies and its standby is promoted while `notifier run` is at work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres
from tests.faults.jobs import begin, finish
from tests.postgres import Server, running_server, running_standby
from tests.process.databases import on_postgres
from tests.process.harness import Receiver, eventually, running, world


@contextmanager
def pair(*, synchronous: bool) -> Iterator[tuple[Server, Server]]:
    """Run a primary and a standby that has caught up with it."""
    if reason := postgres.missing():
        pytest.skip(reason)
    with running_server(fsync=True) as primary, running_standby(primary) as standby:
        if synchronous:
            primary.reload(synchronous_standby_names="*")
        yield primary, standby


def url_of(*servers: Server) -> str:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return f"postgresql://notifier@{hosts}/postgres?target_session_attrs=read-write"


def seen(primary: Server) -> str:
    """Return how far the standby is behind its primary, as the primary says."""
    row = primary.ask(
        "SELECT sync_state, replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"
    )
    return "" if row is None else f"{row[0]} {row[1]}"


def ids(app: Receiver) -> dict[str, set[str]]:
    """Return the ids of the events about each video."""
    found: dict[str, set[str]] = {}
    for got in app.got:
        found.setdefault(got.event["data"]["id"], set()).add(got.id)
    return found


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_standby_that_is_promoted_goes_on_where_the_primary_was(
    tmp_path: Path, mode: str
) -> None:
    with pair(synchronous=mode == "sync") as (primary, standby):
        async with world(tmp_path) as w:
            app = await w.receiver()
            w.endpoint(app)
            begin(w, "before", "meanwhile", "after")
            env = on_postgres(w, url_of(primary, standby))
            async with running(w.config_path, **env) as daemon:
                finish(w, "before")
                await app.wait_for(1)
                await eventually(lambda: bool(daemon.logs("attempt")), "the record")
                await eventually(lambda: seen(primary) == f"{mode} True", "the standby's replay")
                primary.kill()
                asked = len(w.sandbox.requests)
                finish(w, "meanwhile")
                await eventually(lambda: len(w.sandbox.requests) > asked + 3, "polls")
                assert len(app.got) == 1
                standby.promote()
                await app.wait_for(2)
                finish(w, "after")
                await app.wait_for(3)
                assert await daemon.end() == 0
            begin(w, "next")
            w.save()
            async with running(w.config_path, **env) as daemon:
                finish(w, "next")
                await app.wait_for(4)
                assert await daemon.end() == 0
    assert len(app.got) == 4
    assert set(ids(app)) == {"before", "meanwhile", "after", "next"}


async def test_what_an_asynchronous_standby_did_not_get_is_asked_again_under_the_same_id(
    tmp_path: Path,
) -> None:
    with pair(synchronous=False) as (primary, standby):
        async with world(tmp_path) as w:
            app = await w.receiver()
            w.endpoint(app)
            begin(w, "lost", "other")
            env = on_postgres(w, url_of(primary, standby))
            async with running(w.config_path, **env) as daemon:
                await daemon.wait_for_log("poll", 2)
                await eventually(lambda: seen(primary) == "async True", "the standby's replay")
                standby.reload(primary_conninfo="")
                await eventually(lambda: seen(primary) == "", "the end of the replication")
                finish(w, "lost")
                await app.wait_for(1)
                await eventually(lambda: bool(daemon.logs("attempt")), "the record")
                primary.kill()
                standby.promote()
                await app.wait_for(2)
                assert daemon.logs("standby_promoted")
                finish(w, "other")
                await app.wait_for(3)
                assert await daemon.end() == 0
    assert {video: len(found) for video, found in ids(app).items()} == {"lost": 1, "other": 1}
