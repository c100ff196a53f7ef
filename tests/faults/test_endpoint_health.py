"""An endpoint that answers 410, moves, changes its secret or is removed, seen from outside."""

import sqlite3
from contextlib import closing
from pathlib import Path

from notifier.http_server import Response
from notifier.signing import generate_secret
from tests.faults.jobs import begin, finish
from tests.process.harness import Got, Receiver, World, eventually, notifier, running, world
from tests.process.verifiers import verifies


def gone(_: Got) -> Response:
    return Response(410)


def taken(_: Got) -> Response:
    return Response(204)


def types(receiver: Receiver) -> list[str]:
    return [got.event["type"] for got in receiver.got]


async def test_a_410_holds_deliveries_until_the_endpoint_is_enabled_and_others_are_told_of_both(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app, ops = await w.receiver(answer=gone), await w.receiver()
        w.endpoint(app)
        w.endpoint(ops, "ops", events=["endpoint.*"])
        begin(w, "first", "second")
        async with running(w.save()) as daemon:
            finish(w, "first")
            await ops.wait_for(1)
            finish(w, "second")
            await eventually(lambda: len(daemon.logs("event")) == 2, "the second ending")
            assert await daemon.end() == 0
        assert len(app.got) == 1
        assert types(ops) == ["endpoint.disabled"]
        assert ops.got[0].event["data"]["id"] == "app"
        assert "410" in ops.got[0].event["data"]["reason"]
        assert verifies(w.secret, ops.got[0])

        listed = (await notifier("endpoints", "list", "-c", w.config_path)).stdout
        assert "disabled" in listed
        enabled = await notifier("endpoints", "enable", "app", "-c", w.config_path)
        assert enabled.returncode == 0, enabled.stderr
        app.answer = taken
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        assert {got.event["data"]["id"] for got in app.got[1:]} == {"first", "second"}
        assert types(ops) == ["endpoint.disabled", "endpoint.recovered"]


async def test_what_was_pending_goes_to_the_new_url_with_the_new_secret(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        old, new = await w.receiver(answer=None), await w.receiver()
        w.endpoint(old)
        begin(w, "job")
        async with running(w.save()) as daemon:
            finish(w, "job")
            await old.wait_for(1)
            await daemon.end(9)

        w.secret, old_secret = generate_secret(), w.secret
        w.endpoint(new)
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        (first,), (second,) = old.got, new.got
        assert (first.id, first.body) == (second.id, second.body)
        assert (verifies(old_secret, first), verifies(old_secret, second)) == (True, False)
        assert verifies(w.secret, second)


async def test_deliveries_to_a_removed_endpoint_are_cancelled_with_a_reason(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        leaving, staying = await w.receiver(answer=None), await w.receiver()
        w.endpoint(leaving, "leaving")
        w.endpoint(staying, "staying")
        begin(w, "job")
        async with running(w.save()) as daemon:
            finish(w, "job")
            await leaving.wait_for(1)
            await staying.wait_for(1)
            await daemon.end(9)

        del w.config["endpoints"]["leaving"]
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 1  # not everything arrived

        assert row_of(w, "leaving") == ("cancelled", "the endpoint was removed from the config")
        (said,) = daemon.logs("deliveries_cancelled")
        assert said["endpoint"] == "leaving"


def row_of(w: World, endpoint: str) -> tuple[str, str]:
    """Return state and reason of the one delivery for `endpoint`."""
    with closing(sqlite3.connect(w.store_path)) as db:
        (row,) = db.execute(
            "SELECT state, reason FROM deliveries WHERE endpoint = ?", (endpoint,)
        ).fetchall()
    return tuple(row)
