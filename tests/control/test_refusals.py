"""Bad requests: one clear answer each, and a state that is as it was."""

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.control import SocketRefusedError, listen_tcp, listen_unix
from tests.control.client import Api, serving
from tests.process.harness import World, notifier, running, world

TOKEN = "a-token-of-twenty-nine-letters"


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Make a folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="n", dir="/tmp") as folder:
        yield Path(folder)


async def check_refusals(api: Api) -> None:
    post = ("POST", "/v1/watches")
    refusals = {
        (*post, b"{"): 400,
        (*post, b'"text"'): 422,
        (*post, b"\xff"): 400,
        (*post, b"[" * 50_000): 400,
        (*post, b"x" * 10_000_000): 413,
        (*post, b"{}"): 422,
        (*post, b'{"video_id": "a", "unknown": 1}'): 422,
        (*post, b'{"video_id": "..", "gateway": "main"}'): 422,
        (*post, b'{"video_id": "a", "gateway": "nope"}'): 422,
        (*post, b'{"video_id": "a", "endpoints": ["nope"]}'): 422,
        (*post, b'{"video_id": "a", "give_up_after": "soon"}'): 422,
        ("POST", "/v1/replay", b'{"since": "yesterday"}'): 422,
        ("POST", "/v1/replay", b'{"since": 0, "endpoint": "nope"}'): 404,
        ("GET", "/v1/events/evt_nope", None): 404,
        ("POST", "/v1/events/evt_nope/resend", None): 404,
        ("GET", "/v1/events?limit=0", None): 422,
        ("GET", "/v1/events?limit=1&limit=2", None): 422,
        ("GET", "/v1/events?colour=red", None): 422,
        ("GET", "/v1/watches/main/nope", None): 404,
        ("POST", "/v1/endpoints/nope/enable", None): 404,
        ("GET", "/v1/nothing", None): 404,
        ("PUT", "/v1/watches", b"{}"): 405,
    }
    for (method, path, raw), status in refusals.items():
        answer = await api.ask(method, path, raw=raw)
        assert answer.status == status, (method, path, raw and raw[:50])
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.body["status"] == status
        assert answer.body["detail"]


async def test_each_bad_request_gets_one_clear_answer_and_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w) as api:
            await check_refusals(api)
            form = {"content-type": "application/x-www-form-urlencoded"}
            assert (await api.ask("POST", "/v1/watches", raw=b"{}", headers=form)).status == 415
            assert (await api.ask("GET", "/v1/watches")).body["data"] == []
        assert "Traceback" not in api.daemon.log_path.read_text()


async def test_a_token_is_needed_wherever_something_can_be_seen_or_done(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w, token=TOKEN) as api:
            assert (await api.ask("GET", "/v1/status")).status == 200
            for wrong in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
                headers = {"authorization": wrong}
                for path in ("/v1/status", "/metrics", "/openapi.json", "/v1/nothing"):
                    refused = await api.ask("GET", path, headers=headers)
                    assert refused.status == 401
                    assert refused.headers["www-authenticate"] == "Bearer"
                assert (await api.ask("GET", "/healthz", headers=headers)).status == 200
        assert TOKEN not in api.daemon.log_path.read_text()


async def test_requests_of_web_pages_are_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w) as api:
            rebound = await api.ask("GET", "/v1/status", headers={"host": "evil.example"})
            assert rebound.status == 421
            crossing = await api.ask("GET", "/healthz", headers={"origin": "http://evil.example"})
            assert crossing.status == 403
            for site in ("cross-site", "same-site", "Cross-Site", "none, cross-site", "new-word"):
                headers = {"sec-fetch-site": site}
                assert (await api.ask("POST", "/v1/watches", headers=headers)).status == 403
            for site in ("same-origin", "none"):
                headers = {"sec-fetch-site": site}
                assert (await api.ask("GET", "/v1/status", headers=headers)).status == 200
            local = await api.ask("GET", "/v1/status", headers={"host": "localhost:1"})
            assert local.status == 200


async def refused_start(w: World) -> str:
    """Return the one sentence that a start is refused with."""
    async with running(w.save(), started=False) as daemon:
        assert await daemon.exit_code() in {1, 78}
    (line,) = daemon.log_path.read_text().splitlines()
    return line


async def test_a_port_in_use_ends_the_start_in_one_sentence(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            w.config["http"] = {"listen": f"127.0.0.1:{port}"}
            said = await refused_start(w)
        assert f"cannot listen on 127.0.0.1 port {port}: another process listens there" in said


async def test_a_socket_path_that_is_too_long_is_refused_and_a_default_one_is_shortened(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.config["http"] = {"socket": f"{tmp_path}/{'x' * 108}"}
        assert "longer than 107 bytes" in await refused_start(w)

        del w.config["http"]
        w.config["store"] = {"path": f"{tmp_path}/{'x' * 108}/notifier.db"}
        (tmp_path / "daemon.log").unlink()
        async with running(w.save()) as daemon:
            assert daemon.logs("control_unavailable") == []
            status = await notifier("status", "-c", w.config_path)
            assert f"pid {daemon.process.pid}" in status.stdout
            assert await daemon.end() == 0


def test_a_socket_is_for_its_owner_alone_and_a_dead_one_is_replaced(short_folder: Path) -> None:
    path = short_folder / "s"
    listen_unix(path).close()
    with listen_unix(path):
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(SocketRefusedError, match=rf"another process .*\(pid {os.getpid()}\)"):
            listen_unix(path)


def test_a_file_in_the_place_of_a_socket_is_left_alone(short_folder: Path) -> None:
    path = short_folder / "s"
    path.write_text("precious")
    with pytest.raises(SocketRefusedError, match="not a socket"):
        listen_unix(path)
    assert path.read_text() == "precious"


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(SocketRefusedError, match=r"192\.0\.2\.1 port 1"):
        listen_tcp("192.0.2.1", 1)


async def test_a_token_is_required_off_loopback(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        for listen in ("0.0.0.0:0", "[::]:0", "example.com:80"):
            w.config["http"] = {"listen": listen}
            checked = await notifier("check", "-c", w.save())
            assert checked.returncode == 78
            assert "http.token: is required" in checked.stderr


async def test_a_second_daemon_leaves_the_socket_of_the_first_alone(
    tmp_path: Path, short_folder: Path
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        path = short_folder / "s"
        w.config["http"] = {"socket": str(path)}
        async with running(w.save()) as daemon:
            inode = path.stat().st_ino
            second = await notifier("run", "-c", w.config_path)
            assert second.returncode == 1
            assert path.stat().st_ino == inode
            status = await notifier("status", "-c", w.config_path)
            assert f"pid {daemon.process.pid}" in status.stdout
            assert await daemon.end() == 0
        assert not path.exists()
