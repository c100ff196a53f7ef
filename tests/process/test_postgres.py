"""`notifier run` with its store in PostgreSQL: what happens to the server happens to no event."""

import signal
from pathlib import Path

from notifier.http_server import Response
from tests.faults.jobs import begin, finish
from tests.postgres import Server
from tests.process.databases import on_postgres
from tests.process.harness import eventually, notifier, running, world
from tests.tcp_proxy import Proxy


async def test_jobs_end_and_are_delivered_and_commands_show_it(
    tmp_path: Path, server: Server
) -> None:
    async with world(tmp_path, speed=20) as w:
        app = await w.receiver()
        w.endpoint(app)
        for name in ("one", "two"):
            w.sandbox.create(video_id=name, duration=1)
            w.watch(name)
        env = on_postgres(w, server.new_url())
        async with running(w.config_path, **env) as daemon:
            await app.wait_for(2)
            status = await notifier("status", "-c", w.config_path, env=env)
            assert status.returncode == 0, status.stderr
            assert await daemon.end() == 0
        events = await notifier("events", "list", "-c", w.config_path, env=env)
        assert events.stdout.count("video.completed") == 2, events.stderr
        watches = await notifier("watch", "list", "-c", w.config_path, env=env)
        assert watches.stdout.count("ended") == 2, watches.stderr
        (started,) = daemon.logs("started")
        assert started["store"] == f"postgresql://127.0.0.1:{server.port}/postgres"
    assert {got.event["type"] for got in app.got} == {"video.completed"}


async def test_a_file_is_backed_up_by_notifier_and_a_database_by_pg_dump(
    tmp_path: Path, server: Server
) -> None:
    async with world(tmp_path) as w:
        env = on_postgres(w, server.new_url())
        for command, instead in (("backup", "pg_dump"), ("restore", "pg_restore")):
            refused = await notifier(command, tmp_path / "f", "-c", w.config_path, env=env)
            assert refused.returncode == 78
            assert instead in refused.stderr


async def test_a_server_that_cannot_be_reached_is_one_sentence_without_the_password(
    tmp_path: Path, server: Server
) -> None:
    async with world(tmp_path) as w:
        env = on_postgres(w, "postgresql://me:hunter2hunter2@127.0.0.1:1/db")
        for arguments in (("run",), ("events", "list")):
            refused = await notifier(*arguments, "-c", w.config_path, env=env)
            assert refused.returncode == 1
            assert "PostgreSQL cannot be reached" in refused.stderr
            assert "hunter2" not in refused.stderr + refused.stdout
            assert "Traceback" not in refused.stderr


async def test_a_kill_loses_no_event_and_keeps_its_id(tmp_path: Path, durable: Server) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=lambda _: None)
        w.endpoint(app)
        begin(w, "job")
        env = on_postgres(w, durable.new_url())
        async with running(w.config_path, **env) as daemon:
            app.before_answer = lambda _: daemon.process.kill()
            finish(w, "job")
            await app.wait_for(1)
            assert await daemon.exit_code() == -signal.SIGKILL

        app.before_answer = lambda _: None
        app.answer = lambda _: Response(204, {}, b"")
        async with running(w.config_path, **env) as daemon:
            await app.wait_for(2)
            await daemon.end()
        first, second = app.got
        assert (first.id, first.body) == (second.id, second.body)


async def test_an_ending_waits_for_a_server_that_crashed_and_is_then_recorded(
    tmp_path: Path, durable: Server
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        env = on_postgres(w, durable.new_url())
        async with running(w.config_path, **env) as daemon:
            await daemon.wait_for_log("poll")
            durable.stop("immediate")
            try:
                asked = len(w.sandbox.requests)
                finish(w, "job")
                await eventually(lambda: len(w.sandbox.requests) > asked, "a poll after the end")
            finally:
                durable.start()
            await app.wait_for(1)
            assert daemon.process.poll() is None
            await daemon.end()
    assert [got.event["type"] for got in app.got] == ["video.completed"]


async def test_a_server_that_takes_no_writes_loses_nothing(
    tmp_path: Path, durable: Server
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        env = on_postgres(w, durable.new_url())
        async with running(w.config_path, **env) as daemon:
            await daemon.wait_for_log("poll")
            durable.sql("ALTER SYSTEM SET default_transaction_read_only = on")
            durable.sql("SELECT pg_reload_conf()")
            try:
                finish(w, "job")
                await eventually(
                    lambda: "read-only transaction" in daemon.log_path.read_text(),
                    "what the server says, in the log",
                )
            finally:
                durable.sql("ALTER SYSTEM RESET default_transaction_read_only")
                durable.sql("SELECT pg_reload_conf()")
            await app.wait_for(1)
            await daemon.end()
    assert [got.event["type"] for got in app.got] == ["video.completed"]


async def test_a_server_behind_a_black_hole_is_given_up_and_found_again(
    tmp_path: Path, server: Server
) -> None:
    """Whatever lies between acknowledges everything and passes nothing on."""
    between = Proxy(server.port)
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        env = on_postgres(w, server.url(server.new_schema(), between.port))
        async with running(w.config_path, **env) as daemon:
            await daemon.wait_for_log("poll")
            between.swallows = True
            finish(w, "job")
            await eventually(
                lambda: "did not answer in time" in daemon.log_path.read_text(),
                "the end of a call without an answer",
            )
            assert app.got == []
            between.swallows = False
            await app.wait_for(1)
            assert await daemon.end() == 0
    between.close()
    assert [got.event["type"] for got in app.got] == ["video.completed"]


async def test_the_state_in_a_file_is_copied_and_goes_on(tmp_path: Path, server: Server) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "first", "second")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("poll")
            finish(w, "first")
            await app.wait_for(1)
            await daemon.end()
        file = w.store_path
        env = on_postgres(w, server.new_url())
        copied = await notifier("store", "copy", file, "-c", w.config_path, env=env)
        assert copied.returncode == 0, copied.stderr
        assert "each with the same hash on both sides" in copied.stdout
        again = await notifier("store", "copy", file, "-c", w.config_path, env=env)
        assert (again.returncode, "not empty" in again.stderr) == (1, True)
        async with running(w.config_path, **env) as daemon:
            finish(w, "second")
            await app.wait_for(2)
            await daemon.end()
    assert [got.event["data"]["id"] for got in app.got] == ["first", "second"]


async def test_a_file_that_a_daemon_has_is_not_copied(tmp_path: Path, server: Server) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with running(w.save()) as daemon:
            file = w.store_path
            env = on_postgres(w, server.new_url())
            refused = await notifier("store", "copy", file, "-c", w.config_path, env=env)
            assert refused.returncode == 1
            assert f"a daemon is running on {file} (pid {daemon.process.pid})" in refused.stderr
            assert "stop it first" in refused.stderr
