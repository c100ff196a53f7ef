"""Where the page is: `init` chooses an address, and `run` says it."""

import re
import socket
import tomllib
from pathlib import Path

from tests.control.client import serving
from tests.process.harness import notifier, world
from tests.process.terminal import on_terminal


async def test_init_puts_the_page_on_a_free_port_of_loopback(tmp_path: Path) -> None:
    ports = set()
    for name in ("first", "second"):
        path = tmp_path / name / "config.toml"
        done = await notifier("init", "-c", path)
        assert done.returncode == 0, done.stderr
        host, port = tomllib.loads(path.read_text())["http"]["listen"].split(":")
        assert host == "127.0.0.1"
        ports.add(int(port))
        if name == "first":
            taken = socket.create_server((host, int(port)))
    taken.close()
    assert len(ports) == 2


async def test_run_prints_the_address_on_a_terminal_and_logs_it_everywhere(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w) as api:
            (line,) = [line for line in api.daemon.logs("listening") if "page" in line]
            assert line["page"] == f"http://127.0.0.1:{api.port}/"
            assert "at a glance" not in api.daemon.log_path.read_text()
        shown = await on_terminal(100, "run", "-c", w.config_path, "--exit-when-done")
        said = r"^Everything at a glance: http://127\.0\.0\.1:\d+/$"
        assert re.search(said, shown, re.MULTILINE)
