"""The API conforms to its OpenAPI document: schemathesis generates the requests."""

import subprocess
import sys
from pathlib import Path

import trio

from tests.control.client import serving
from tests.faults.jobs import begin
from tests.process.harness import clean_environment, world

EXAMPLES = 25


async def test_the_api_conforms_to_its_openapi_document(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")  # generated watches stay open
        begin(w, "job")
        async with serving(w) as api:
            url = f"http://127.0.0.1:{api.port}/openapi.json"
            done = await trio.run_process(
                [
                    *(str(Path(sys.executable).with_name("schemathesis")), "run", url),
                    *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                    *("--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
                ],
                capture_stdout=True,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=tmp_path,
                env=clean_environment(),
            )
        assert done.returncode == 0, done.stdout.decode()
        assert "request_crashed" not in api.daemon.log_path.read_text()
