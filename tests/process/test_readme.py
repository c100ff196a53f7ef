"""README's way to a first event, as pasted: every command literally, on its own ports."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.container.runtime import eventually, loopback_network, need_namespaces
from tests.process.harness import PATIENCE, clean_environment

README = Path(__file__).parents[2] / "README.md"
SHOWN = "video_15cc7956ae9a7760fadf6a6bf9ed37be"
"""The id that README shows; the sandbox gives another one."""


def console_commands(words: str) -> list[str]:
    """Return the commands of the console block that holds `words`."""
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if words in block)
    return re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)


class Shell:
    """Runs command lines in one folder and one network, as the user of README does."""

    def __init__(self, folder: Path, network: Sequence[str]) -> None:
        self.folder = folder
        self.network = network
        program = folder / "bin/notifier"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m notifier "$@"\n')
        program.chmod(0o755)
        self.environment = clean_environment(
            PATH=f"{program.parent}:{os.environ['PATH']}",
            HOME=str(folder),
            PYTHONUNBUFFERED="1",
        )

    def run(self, line: str) -> str:
        """Run a line to its end; return what it printed."""
        done = subprocess.run(
            [*self.network, "bash", "-c", line],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, line: str) -> Iterator[Path]:
        """Run a line beside the block, as in a terminal of its own; yield what it prints."""
        output = self.folder / f"{line.split()[1]}.out"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*self.network, "bash", "-c", f"exec {line}"],
                cwd=self.folder,
                env=self.environment,
                stdout=file,
                stderr=file,
            )
        try:
            yield output
        finally:
            process.terminate()
            process.wait(PATIENCE)


def test_the_commands_as_pasted_lead_to_a_first_verified_event(tmp_path: Path) -> None:
    need_namespaces()
    init, listen, sandbox, run = console_commands("notifier init")
    create, add = console_commands("curl -s http://127.0.0.1:8080")
    with loopback_network() as network:
        shell = Shell(tmp_path, network)
        assert "wrote config.toml" in shell.run(init)
        with (
            shell.running(listen) as received,
            shell.running(sandbox) as gateway,
            shell.running(run) as log,
        ):
            for output, words in ((received, ":9000"), (gateway, ":8080"), (log, "started")):
                wait_for(output, words)
            (video_id,) = re.findall(r'"id": "(video_\w+)"', shell.run(create))
            printed = shell.run(add.replace(SHOWN, video_id))
            assert re.match(rf"video\.completed {video_id} \(evt_\w+\)\n", printed)
            wait_for(received, "✓ verified  → 204")
    assert video_id in received.read_text()


def wait_for(output: Path, words: str) -> None:
    eventually(lambda: words in output.read_text(), output.read_text)
