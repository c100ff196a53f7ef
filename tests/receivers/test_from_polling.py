"""What docs/from-polling.md has instead of each loop, run as pasted on the ports that it names."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.container.runtime import eventually, loopback_network, need_namespaces
from tests.process.test_readme import Shell, wait_for
from tests.receivers.page import FROM_POLLING
from tests.receivers.programs import HERE

SHOWN = "video_68f10985d6c4819097007665bdcfba5f"
"""The id that the page shows; the sandbox gives another one."""

CREATE = """curl -s http://127.0.0.1:8080/v1/videos -H 'Content-Type: application/json' \
    -d '{"model": "sora-2", "prompt": "A cat on a motorcycle [60s]"}'"""


@dataclass(frozen=True, slots=True)
class Run:
    """How a file is run, and what must be there, with where Debian has it."""

    file: str
    command: str
    needs: str
    package: str


MONO = "mcs -langversion:7.2 -r:System.Net.Http Watch.cs && mono Watch.exe"
RUNS = (
    Run("watch.sh", "sh watch.sh", "curl", "curl"),
    Run("create.py", f"{sys.executable} create.py", sys.executable, "python3"),
    Run("create_async.py", f"{sys.executable} create_async.py", sys.executable, "python3"),
    Run("watch.mjs", "node watch.mjs", "node", "nodejs"),
    Run("watch.go", "go run watch.go", "go", "golang-go"),
    Run("Watch.java", "java Watch.java", "javac", "default-jdk-headless"),
    Run("Watch.cs", MONO, "mcs", "mono-mcs with libmono-system-net-http4.0-cil"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder and a network where sandbox, listener and daemon run."""

    shell: Shell
    received: Path

    def watch_of(self, video_id: str) -> dict[str, object] | None:
        """Return the `watch` of the verified event about a video, once it has come."""
        for line in self.received.read_text().splitlines():
            row = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
            if row.get("verified") and row["data"]["id"] == video_id:
                watch: dict[str, object] = row["watch"]
                return watch
        return None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    need_namespaces()
    with loopback_network() as network:
        shell = Shell(tmp_path_factory.mktemp("place"), network)
        shell.environment |= {"OPENAI_API_KEY": "unused", "GOCACHE": str(shell.folder / "go")}
        shell.run("notifier init")
        config = shell.folder / "config.toml"
        (sections,) = re.findall(r"```toml\n(.*?)```", FROM_POLLING.read_text(), re.DOTALL)
        written = re.sub(r"^\[http\]\nlisten = .*\n", "", config.read_text(), flags=re.MULTILINE)
        often = '[gateways.main]\npoll_interval = "500ms"\nmin_poll_interval = "200ms"'
        config.write_text(written.replace("[gateways.main]", often) + "\n" + sections)
        with (
            shell.running("notifier listen --json") as received,
            shell.running("notifier sandbox --speed 100") as gateway,
            shell.running("notifier run") as log,
        ):
            for output, words in ((received, ":9000"), (gateway, ":8080"), (log, "started")):
                wait_for(output, words)
            yield Place(shell, received)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.file)
def test_what_replaces_a_loop_leads_to_the_event_with_the_metadata(run: Run, place: Place) -> None:
    if shutil.which(run.needs) is None:
        pytest.skip(f"{run.needs} is missing (Debian package {run.package})")
    video_id = re.findall(r'"id": "(video_\w+)"', place.shell.run(CREATE))[0]
    text = (HERE / "from_polling" / run.file).read_text().replace(SHOWN, video_id)
    (place.shell.folder / run.file).write_text(text)
    printed = place.shell.run(run.command)
    (watched,) = set(re.findall(r"video_\w{16,}", printed))
    eventually(lambda: place.watch_of(watched) is not None, place.received.read_text)
    watch = place.watch_of(watched)
    assert watch is not None
    assert watch["metadata"] == {"user": "7"}


def test_every_file_of_the_page_is_run() -> None:
    assert {run.file for run in RUNS} == {
        file.name for file in (HERE / "from_polling").iterdir() if file.is_file()
    }
