"""`notifier run` behind PgBouncer."""

from pathlib import Path

from tests.faults.jobs import begin, finish
from tests.pgbouncer import pgbouncer
from tests.postgres import Server
from tests.process.databases import on_postgres
from tests.process.harness import notifier, running, world


async def test_pgbouncer_in_session_mode_is_as_good_as_the_server(
    tmp_path: Path, server: Server
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "first", "second")
        with pgbouncer(server, "session") as port:
            url = f"postgresql://notifier@127.0.0.1:{port}/{server.new_database()}"
            env = on_postgres(w, url)
            async with running(w.config_path, **env) as daemon:
                finish(w, "first")
                await app.wait_for(1)
                await daemon.wait_for_log("attempt")
                daemon.process.kill()
                await daemon.exit_code()
            async with running(w.config_path, **env) as daemon:
                finish(w, "second")
                await app.wait_for(2)
                assert await daemon.end() == 0
    assert [got.event["data"]["id"] for got in app.got] == ["first", "second"]


async def test_pgbouncer_in_transaction_mode_is_refused(tmp_path: Path, server: Server) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        with pgbouncer(server, "transaction") as port:
            url = f"postgresql://notifier@127.0.0.1:{port}/{server.new_database()}"
            env = on_postgres(w, url)
            refused = await notifier("run", "-c", w.config_path, env=env)
    assert refused.returncode == 78, refused.stderr
    (line,) = refused.stderr.splitlines()
    assert "a pooler in transaction mode" in line
