"""Every command that can be pasted from a document is run by a test, or it is said why not."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import tomli_w

from tests.container.runtime import need_namespaces
from tests.documents.reading import ROOT, pasted_commands
from tests.process.harness import FAST
from tests.process.test_readme import Shell, wait_for

NAMESPACES = (("net", "net"), ("mount", "mnt"))
"""What nsenter and the kernel call them."""

RUN_HERE = (
    "notifier backup /var/backups/",
    "notifier restore /var/backups/",
    "curl -sS --unix-socket /run/notifier/notifier.sock",
    "notifier init --format discord",
    "notifier init --endpoint-url",
    "notifier endpoints test app",
    "export WEBHOOK_SECRETS",
    "uvicorn --port 9000 fastapi_app:app",
    "until curl",
    "done",
)
"""How the commands begin that the tests below run as pasted."""

RUN_ELSEWHERE = {
    ".venv/bin/notifier demo": "tests/demo/test_demo.py",
    "docker compose up": "tests/container/test_compose.py",
    "docker build": "tests/container/test_image.py",
    "docker run": "tests/container/test_image.py",
    "docker exec": "tests/container/test_image.py",
    "notifier init": "tests/process/test_readme.py",
    "notifier listen": "tests/process/test_readme.py",
    "notifier sandbox --speed 10": "tests/process/test_readme.py",
    "notifier run": "tests/process/test_readme.py",
    "curl -s http://127.0.0.1:8080/v1/videos": "tests/process/test_readme.py",
    "notifier watch add video_15cc": "tests/process/test_readme.py",
    "curl -sS http://127.0.0.1:8787/v1/watches": "tests/receivers/test_from_polling.py",
    "openapi-python-client generate": "tests/control/test_client.py",
    "webhook -hooks hooks.json": "tests/receivers/programs.py",
    "python3 inbox.py": "tests/receivers/programs.py",
    "python -W ignore::DeprecationWarning make_video.py": "tests/process/test_transcript.py",
    "notifier watch list": "tests/process/test_transcript.py",
    "notifier store copy": "tests/process/test_postgres.py",
    "notifier instances forget": "tests/process/test_cluster_operators.py",
    "notifier instances drain": "tests/process/test_cluster_operators.py",
    "notifier instances undrain": "tests/process/test_cluster_operators.py",
}
"""How commands begin that other tests run, most of them with ports and folders of their own."""

SERVICE = "needs root and systemd as process 1: tests/systemd runs README's lines in a container"
SUITE = "it is the test suite, or installs it from the network: .ci/run does that"
LONG = "takes minutes to an hour; its module and options are checked, results are quoted"
NOT_RUN = {
    "/usr/bin/python3 -m venv /opt/notifier": SERVICE,
    "/opt/notifier/bin/pip": SERVICE,
    "ln -s /opt/notifier": SERVICE,
    "notifier install --write": SERVICE,
    "${EDITOR:-nano}": "opens an editor",
    "systemctl": SERVICE,
    "sudo -u postgres": "makes a user and a database in a server of the machine's own",
    "notifier status": SERVICE,
    "python3 -m venv .venv && .venv/bin/pip": SUITE,
    ".venv/bin/pytest": SUITE,
    ".ci/run": SUITE,
    "python -m tests.": LONG,
    "for seed in": LONG,
    "pip install fastapi uvicorn": "installs from the network: the extra `test` has both",
}


def beginning(command: str) -> str:
    """Return the longest entry of the tables that a command begins with, empty without one."""
    known = [*RUN_HERE, *RUN_ELSEWHERE, *NOT_RUN]
    if command.endswith(".venv/bin/notifier demo"):
        return ".venv/bin/notifier demo"
    return max((each for each in known if command.startswith(each)), key=len, default="")


def test_every_command_is_run_or_has_a_reason() -> None:
    assert [said for said in pasted_commands() if not beginning(said.text)] == []


def test_every_entry_is_about_a_command_that_a_page_has() -> None:
    used = {beginning(said.text) for said in pasted_commands()}
    known = {*RUN_HERE, *RUN_ELSEWHERE, *NOT_RUN}
    assert known - used == set()


def test_every_test_that_runs_a_command_is_there() -> None:
    assert [path for path in RUN_ELSEWHERE.values() if not (ROOT / path).exists()] == []


def test_the_sentence_by_which_a_test_is_chosen_is_one() -> None:
    (words,) = re.findall(r"-k '(\w+)'", (ROOT / "CONTRIBUTING.md").read_text())
    tests = (ROOT / "tests").rglob("test_*.py")
    assert [file for file in tests if re.search(rf"def test_\w*{words}", file.read_text())]


def commands_of(page: str, words: str) -> list[str]:
    return [said.text for said in pasted_commands() if said.page == page and words in said.text]


@contextmanager
def folders_of_root(folder: Path) -> Iterator[Sequence[str]]:
    """Give `/run`, `/var/lib` and `/var/backups` other contents.

    Yields what runs a command there, in `folder`.
    """
    steps = ["ip link set lo up", "mkdir -p /var/backups"]
    steps += [f"mount -t tmpfs none {each}" for each in ("/run", "/var/lib", "/var/backups")]
    steps += ["mkdir /run/notifier", "echo up", "exec sleep infinity"]
    holder = subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-c", " && ".join(steps)], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        namespaces = (f"--{each}=/proc/{holder.pid}/ns/{file}" for each, file in NAMESPACES)
        yield ("nsenter", *namespaces, f"--wdns={folder}", "--")
        holder.stdout.close()
    finally:
        holder.kill()
        holder.wait()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Return a shell of root's, where a config has the paths that the pages show."""
    need_namespaces()
    with folders_of_root(tmp_path) as namespaces:
        here = Shell(tmp_path, namespaces)
        config = {
            "store": {"path": "/var/lib/notifier/notifier.db"},
            "http": {"socket": "/run/notifier/notifier.sock"},
            "gateways": {"main": {"base_url": "http://127.0.0.1:8080/v1", **FAST}},
            "endpoints": {"app": {"url": "http://127.0.0.1:9000/", "format": "cloudevents"}},
        }
        (tmp_path / "etc.toml").write_bytes(tomli_w.dumps(config).encode())
        (tmp_path / "etc.toml").chmod(0o600)
        here.environment["NOTIFIER_CONFIG"] = str(tmp_path / "etc.toml")
        yield here


def test_requests_to_the_control_api_as_pasted(shell: Shell) -> None:
    add, describe = commands_of("docs/control-api.md", "curl")
    with shell.running("notifier run") as log:
        wait_for(log, "started")
        answer = json.loads(shell.run(add))
        assert (answer["video_id"], answer["metadata"]) == ("video_123", {"user": "7"})
        shell.run(describe)
    description = json.loads((shell.folder / "openapi.json").read_text())
    assert "/v1/watches" in description["paths"]


def test_a_backup_and_what_follows_as_pasted(shell: Shell) -> None:
    (backup,) = commands_of("docs/backup.md", "notifier backup")
    (restore,) = commands_of("docs/backup.md", "notifier restore")
    with shell.running("notifier run") as log:
        wait_for(log, "started")
        said = shell.run(backup)
        assert re.fullmatch(shown_as_pattern("backed up /var/lib"), said.strip())
    said = shell.run(restore).strip()
    first, second = said.splitlines()
    assert re.fullmatch(shown_as_pattern("restored /var/lib"), first)
    assert re.fullmatch(shown_as_pattern("the state from before"), second)


def shown_as_pattern(words: str) -> str:
    """Return a line of the page about backups as a pattern in which every number may differ."""
    page = (ROOT / "docs" / "backup.md").read_text()
    (line,) = re.findall(rf"^{words}.*$", page, re.MULTILINE)
    name = "notifier-2026-11-26.db"
    pattern = re.sub(r"\d+", r"\\d+", re.escape(line.replace(name, "NAME")))
    return pattern.replace("NAME", re.escape(name))


def test_a_config_for_a_chat_as_pasted(shell: Shell) -> None:
    (init,) = commands_of("docs/destinations.md", "notifier init")
    del shell.environment["NOTIFIER_CONFIG"]
    assert "wrote config.toml" in shell.run(init.replace("…", "1/token"))
    assert 'format = "discord"' in (shell.folder / "config.toml").read_text()


def test_the_way_to_try_a_receiver_as_pasted(shell: Shell) -> None:
    page = "docs/receivers.md"
    (init,) = commands_of(page, "notifier init")
    export = commands_of(page, "export")[0]
    (serve,) = commands_of(page, "uvicorn --port")
    (test,) = commands_of(page, "notifier endpoints test")
    del shell.environment["NOTIFIER_CONFIG"]
    shell.environment["PATH"] += f":{Path(sys.executable).parent}"
    for file in ("inbox.py", "fastapi_app.py"):
        shutil.copy(ROOT / "tests" / "receivers" / "python" / file, shell.folder)
    shell.run(init)
    config = tomllib.loads((shell.folder / "config.toml").read_text())
    name, shown = export.removeprefix("export ").split("=", 1)
    shell.environment[name] = shown.strip('"').replace(
        "whsec_…", config["endpoints"]["app"]["secret"]
    )
    with shell.running(serve) as printed:
        wait_for(printed, "running on")
        assert re.fullmatch(r"app took it: HTTP 204 \(evt_\w+\)\n", shell.run(test))
        wait_for(printed, "video_notifier_test is ready: http")


def test_the_loop_of_a_shell_as_pasted_ends_with_the_job(shell: Shell) -> None:
    page = (ROOT / "docs" / "from-polling.md").read_text()
    (loop,) = re.findall(r"```sh\n(until .*?)```", page, re.DOTALL)
    loop = loop.replace("https://gateway.example", "http://127.0.0.1:8080").replace("20", "0.1")
    create = commands_of("README.md", "curl -s http://127.0.0.1:8080")[0].replace("60s", "1s")
    with shell.running("notifier sandbox --speed 10") as gateway:
        wait_for(gateway, ":8080")
        (video_id,) = re.findall(r'"id": "(video_\w+)"', shell.run(create))
        shell.run(f"id={video_id} KEY=unused\n{loop}")
        answer = shell.run(f"curl -sS http://127.0.0.1:8080/v1/videos/{video_id}")
    assert json.loads(answer)["status"] == "completed"
