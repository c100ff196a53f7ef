"""Certificates that are renewed under their names, and servers that demand one."""

import json
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme

from tests.faults.jobs import begin, finish
from tests.process.harness import Daemon, World, eventually, notifier, running, world

ANSWER = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"


class SecureReceiver:
    """A receiver over TLS that demands a client's certificate, of an authority of its own."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.clients = trustme.CA()
        self.got = 0
        self.url = ""

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost").configure_cert(context)
        self.clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    async def serve(self, stream: trio.abc.Stream) -> None:
        with trio.move_on_after(60):
            received = b""
            while data := await stream.receive_some():
                received += data
                head, complete, body = received.partition(b"\r\n\r\n")
                if complete and len(body) >= _length(head):
                    self.got += 1
                    received = b""
                    await stream.send_all(ANSWER)

    async def quietly(self, stream: trio.abc.Stream) -> None:
        try:
            await self.serve(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # a handshake that one of the two refuses


def _length(head: bytes) -> int:
    (line,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    return int(line.partition(b":")[2])


@asynccontextmanager
async def secure_receiver() -> AsyncIterator[SecureReceiver]:
    receiver = SecureReceiver()
    async with trio.open_nursery() as nursery:
        serve = partial(
            trio.serve_ssl_over_tcp, receiver.quietly, 0, receiver.context(), host="127.0.0.1"
        )
        (listener,) = await nursery.start(serve)
        receiver.url = f"https://localhost:{listener.transport_listener.socket.getsockname()[1]}/"
        yield receiver
        nursery.cancel_scope.cancel()


def write_files(w: World, receiver: SecureReceiver) -> None:
    """Put what a receiver wants under the names that the config has."""
    receiver.authority.cert_pem.write_to_path(str(w.folder / "ca.pem"))
    identity = receiver.clients.issue_cert("notifier")
    identity.private_key_and_cert_chain_pem.write_to_path(str(w.folder / "client.pem"))
    (w.folder / "client.pem").chmod(0o600)


def configure(w: World, url: str) -> None:
    w.config["endpoints"] = {
        "app": {
            "url": url,
            "secret": w.secret,
            "ca_file": "ca.pem",
            "client_cert": "client.pem",
            "retry_schedule": ["100ms"] * 50,
        }
    }
    w.save()


async def reload(daemon: Daemon, outcome: str = "reloaded") -> None:
    before = len(daemon.logs(outcome))
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.wait_for_log(outcome, before + 1)


async def test_renewed_files_and_a_new_address_take_effect_with_a_reload_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w, secure_receiver() as first, secure_receiver() as second:
        write_files(w, first)
        begin(w, "one", "two", "three")
        configure(w, first.url)
        async with running(w.config_path) as daemon:
            finish(w, "one")
            await eventually(lambda: first.got == 1, "the first event")

            configure(w, second.url)  # its authority and its clients' are others
            write_files(w, second)
            finish(w, "two")
            await reload(daemon)
            await eventually(lambda: second.got == 1, "the second event")
            changed = daemon.logs("reloaded")[-1]["files_changed"]
            assert {Path(path).name for path in changed} == {"ca.pem", "client.pem"}

            (tmp_path / "client.pem").write_text("half written")
            await reload(daemon, "reload_failed")
            assert "client_cert" in json.dumps(daemon.logs("reload_failed")[-1])
            finish(w, "three")
            await eventually(lambda: second.got == 2, "the third event")

            write_files(w, second)
            done = await notifier("reload", "-c", w.config_path)
            assert (done.returncode, done.stderr) == (0, "")
            assert f"changed file {tmp_path / 'client.pem'}" in done.stdout
            assert await daemon.end() == 0


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
        write_files(w, receiver)
        configure(w, "https://localhost:1/")
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
