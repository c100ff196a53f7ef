"""A client that a public generator makes from the API's description gets on with a real daemon."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from notifier.control.openapi import document
from tests.control.client import serving
from tests.faults.jobs import begin, finish
from tests.process.harness import PATIENCE, eventually, world

GENERATOR = "openapi-python-client"
VERSION = "0.29.1"
TOKEN = "a-token-of-twenty-nine-letters"
PROGRAM = Path(__file__).with_name("generated_client.py")


@pytest.fixture(scope="module")
def generator(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the generator's programs; it needs other versions than we do."""
    cache: Any = request.config.cache
    folder = Path(cache.mkdir(f"{GENERATOR}-{VERSION}")) / "venv"
    if not (folder / "bin" / GENERATOR).exists():
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [
                str(folder / "bin" / "pip"),
                "install",
                "--quiet",
                "--no-compile",
                f"{GENERATOR}=={VERSION}",
            ],
        ):
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                said = done.stderr.strip().splitlines() or ["no word"]
                pytest.skip(f"{GENERATOR} {VERSION} cannot be installed from PyPI: {said[-1]}")
    return folder / "bin"


def generated(generator: Path, folder: Path) -> Path:
    """Make a client from the description; return the folder to import it from."""
    description = folder / "openapi.json"
    description.write_text(json.dumps(document()))
    options = ("--path", description, "--meta", "none", "--output-path", folder / "made")
    done = subprocess.run(
        [generator / GENERATOR, "generate", *options],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": f"{generator}:/usr/bin:/bin"},
    )
    said = done.stdout + done.stderr
    assert "unable to" not in said.lower(), said  # it leaves out what it cannot make
    return folder


async def test_a_generated_client_adds_a_watch_and_reads_what_became_of_it(
    generator: Path, tmp_path: Path
) -> None:
    where = generated(generator, tmp_path)
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(not_found_grace="1h")
        begin(w, "job")
        async with serving(w, token=TOKEN) as api:
            finish(w, "job")
            await api.daemon.wait_for_log("attempt")
            await eventually(lambda: len(app.got) == 1, "the event")
            with trio.fail_after(PATIENCE):
                done = await trio.run_process(
                    [generator / "python", PROGRAM, f"http://127.0.0.1:{api.port}", TOKEN],
                    capture_stdout=True,
                    capture_stderr=True,
                    check=False,
                    env={"PYTHONPATH": str(where)},
                )
        assert done.returncode == 0, done.stderr.decode()
        said = json.loads(done.stdout)
    assert said == {
        "open": 1,
        "gateway": "ok",
        "added": [201, "another", "open", {"user": "42"}],
        "again": 200,
        "watches": ["job", "another"],
        "events": [["video.completed", "job", 1]],
        "attempts": [[1, "delivered", 204]],
        "tested": [True, "video.failed"],
        "replayed": {"app": 1},
        "removed": 204,
        "refused": [404, "main/nothing is not watched"],
    }
    types = [got.event["type"] for got in app.got]
    assert "video.failed" in types
