"""Certificates that are renewed under their names, and servers that demand one."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.faults.jobs import begin, finish
from tests.process.harness import Daemon, World, eventually, notifier, running, world
from tests.process.moving_names import MovingNames
from tests.process.secure_peers import MOVING, SecureFront, SecureReceiver, serving


def configure(w: World, url: str, files: dict[str, str], **settings: object) -> None:
    w.config["endpoints"] = {
        "app": {
            "url": url,
            "secret": w.secret,
            "retry_schedule": ["100ms"] * 50,
            **files,
            **settings,
        }
    }
    w.save()


async def reload(daemon: Daemon, outcome: str = "reloaded") -> None:
    before = len(daemon.logs(outcome))
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.wait_for_log(outcome, before + 1)


@asynccontextmanager
async def two_receivers(
    *, alike: bool = False
) -> AsyncIterator[tuple[SecureReceiver, SecureReceiver]]:
    """Serve on the same port of 127.0.0.1 and 127.0.0.2; with the same authorities if `alike`."""
    first, second = SecureReceiver(), SecureReceiver()
    if alike:
        second.authority, second.clients = first.authority, first.clients
    async with serving(first), serving(second, "127.0.0.2", first.port):
        yield first, second


async def test_renewed_files_and_a_new_address_take_effect_with_a_reload_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    names = MovingNames(tmp_path / "names")
    async with world(tmp_path) as w, two_receivers() as (first, second):
        names.move(MOVING, "127.0.0.1")
        files = first.write_files(tmp_path, "app")
        begin(w, "one", "two", "three", "four")
        # the dot says that the name is complete; certificates do not have it
        configure(w, f"https://{MOVING}.:{first.port}/", files)
        async with running(w.config_path, PYTHONPATH=names.python_path) as daemon:
            finish(w, "one")
            await eventually(lambda: first.got == ["one"], "the first event")

            names.move(MOVING, "127.0.0.2")
            second.write_files(tmp_path, "app")  # of other authorities
            finish(w, "two")  # goes to either, as the connection may not be closed yet
            await reload(daemon)
            changed = daemon.logs("reloaded")[-1]["files_changed"]
            assert changed == [str(tmp_path / file) for file in files.values()]
            finish(w, "three")
            await eventually(lambda: "three" in second.got, "an event at the new address")

            (tmp_path / files["client_cert"]).write_text("half written")
            await reload(daemon, "reload_failed")
            assert "client_cert" in json.dumps(daemon.logs("reload_failed")[-1])
            finish(w, "four")
            await eventually(lambda: "four" in second.got, "an event with the former files")

            second.write_files(tmp_path, "app")
            done = await notifier("reload", "-c", w.config_path)
            assert (done.returncode, done.stderr) == (0, "")
            assert f"changed file {tmp_path / files['client_cert']}" in done.stdout
            await eventually(lambda: len(first.got + second.got) == 4, "every event")
            assert await daemon.end() == 0
    assert sorted(first.got + second.got) == ["four", "one", "three", "two"]


async def test_a_moved_name_is_followed_without_a_reload_once_the_connection_is_old(
    tmp_path: Path,
) -> None:
    names = MovingNames(tmp_path / "names")
    async with world(tmp_path) as w, two_receivers(alike=True) as (first, second):
        names.move(MOVING, "127.0.0.1")
        begin(w, "one", "two")
        url = f"https://{MOVING}:{first.port}/"
        configure(w, url, first.write_files(tmp_path, "app"), max_connection_age="1s")
        async with running(w.config_path, PYTHONPATH=names.python_path) as daemon:
            finish(w, "one")
            await eventually(lambda: first.got == ["one"], "the event at the first address")
            names.move(MOVING, "127.0.0.2")
            await trio.sleep(1)  # the connection is older than that
            finish(w, "two")
            await eventually(lambda: second.got == ["two"], "the event at the second address")
            assert await daemon.end() == 0


async def test_a_gateway_may_demand_a_certificate_and_its_files_are_renewed_with_a_reload(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        receiver = await w.receiver()
        w.endpoint(receiver)
        front, renewed = SecureFront(w.gateway_port), SecureFront(w.gateway_port)
        begin(w, "one", "two")
        async with serving(front), serving(renewed, "127.0.0.2", front.port):
            names = MovingNames(tmp_path / "names")
            names.move(MOVING, "127.0.0.1")
            files = front.write_files(tmp_path, "gateway")
            w.gateway(**files, base_url=f"https://{MOVING}:{front.port}/v1")
            async with running(w.save(), PYTHONPATH=names.python_path) as daemon:
                finish(w, "one")
                await receiver.wait_for(1)

                names.move(MOVING, "127.0.0.2")
                renewed.write_files(tmp_path, "gateway")
                await reload(daemon)
                finish(w, "two")
                await receiver.wait_for(2)
                assert await daemon.end() == 0
        assert renewed.connections > 0
        assert [got.event["data"]["id"] for got in receiver.got] == ["one", "two"]


@pytest.mark.parametrize(
    ("key", "content", "words"),
    [
        ("client_cert", "nothing", "holds no certificate in PEM"),
        ("client_key", "nothing", "holds no private key in PEM"),
        ("client_key", None, "does not exist"),
        ("client_key", "other", "holds a key that does not belong to the certificate"),
    ],
)
async def test_check_says_which_key_and_file_cannot_be_used(
    key: str, content: str | None, words: str, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        receiver = SecureReceiver()
        configure(w, "https://localhost:1/", receiver.write_files(tmp_path, "app"))
        if content == "other":
            other = receiver.clients.issue_cert("other").private_key_pem
            other.write_to_path(str(tmp_path / "wrong.pem"))
        elif content is not None:
            (tmp_path / "wrong.pem").write_text(content)
        w.config["endpoints"]["app"][key] = "wrong.pem"
        done = await notifier("check", "-c", w.save())
    assert done.returncode == 78
    assert f"endpoints.app.{key}: file {tmp_path / 'wrong.pem'} {words}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("url", "settings", "words"),
    [
        (
            "https://app.example/",
            {"client_key": "key.pem"},
            "client_key: is the key of client_cert",
        ),
        ("http://app.example/", {"client_cert": "c.pem"}, "client_cert: is for https"),
    ],
)
async def test_a_client_certificate_that_could_not_be_presented_is_refused(
    url: str, settings: dict[str, str], words: str, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        w.config["endpoints"] = {"app": {"url": url, "secret": w.secret, **settings}}
        done = await notifier("check", "-c", w.save())
    assert done.returncode == 78
    assert f"endpoints.app.{words}" in done.stderr
