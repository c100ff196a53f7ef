"""LiteLLM's proxy as a process, in front of sandboxes.

It is installed in a virtual environment of its own, because it pins what notifier uses as well.
`.ci/run` makes that environment once and keeps it in the user's cache.
"""

import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.process.harness import PATIENCE

KEY = "sk-proxy-0123456789"
"""The proxy's master key."""

UPSTREAM_KEY = "sk-upstream-0123456789"
"""The key that the sandboxes behind it want."""

LISTS = {"custom-llm-provider": "openai"}
"""The header without which the proxy lists nothing."""

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
_VENV = _CACHE / "notifier-tests" / "litellm"


@dataclass(frozen=True)
class Deployment:
    """A model of the proxy: `name` is what clients ask for, `upstream` `PROVIDER/MODEL`."""

    name: str
    upstream: str
    port: int
    key: str = UPSTREAM_KEY

    def as_data(self) -> dict[str, Any]:
        base = f"http://127.0.0.1:{self.port}/v1"
        params = {"model": self.upstream, "api_base": base, "api_key": self.key}
        return {"model_name": self.name, "litellm_params": params}


@dataclass
class Proxy:
    """A running proxy."""

    port: int
    pid: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def create(self, model: str, prompt: str) -> str:
        """Start a job and return its id as the proxy shows it."""
        headers = {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            body = {"model": model, "prompt": prompt}
            answer = await client.post(f"{self.base_url}/videos", headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        video_id: str = answer.json()["id"]
        return video_id


@asynccontextmanager
async def running_proxy(
    folder: Path, *deployments: Deployment, lists_from: int | None = None
) -> AsyncIterator[Proxy]:
    """Run the proxy without a database; `lists_from` is the port of the upstream of its lists."""
    if not (_VENV / "complete").is_file():
        pytest.skip("LiteLLM's proxy is missing: .ci/run installs litellm[proxy] in the cache")
    config = folder / "litellm.yaml"
    config.write_text(_config(deployments))  # JSON is YAML
    port = _free_port()
    log = (folder / "litellm.log").open("wb")
    process = await trio.lowlevel.open_process(
        [
            _VENV / "bin" / "litellm",
            "--config",
            config,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=folder,
        env=_environment(lists_from),
    )
    log.close()
    try:
        await _wait_until_ready(process, port, folder / "litellm.log")
        yield Proxy(port, process.pid)
    finally:
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()


def _config(deployments: tuple[Deployment, ...]) -> str:
    return json.dumps(
        {
            "model_list": [deployment.as_data() for deployment in deployments],
            "router_settings": {"model_group_alias": {"short": "sora-2"}, "num_retries": 0},
            "general_settings": {"master_key": KEY},
        }
    )


def _environment(lists_from: int | None) -> dict[str, str]:
    env = {name: os.environ[name] for name in ("HOME", "PATH", "LANG") if name in os.environ}
    env |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    if lists_from is not None:
        env |= {
            "OPENAI_API_BASE": f"http://127.0.0.1:{lists_from}/v1",
            "OPENAI_API_KEY": UPSTREAM_KEY,
        }
    return env


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _wait_until_ready(process: trio.Process, port: int, log: Path) -> None:
    url = f"http://127.0.0.1:{port}/health/liveliness"
    with trio.move_on_after(PATIENCE):
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            while process.poll() is None:
                try:
                    if (await client.get(url)).status_code == 200:
                        return
                except httpx.HTTPError:
                    await trio.sleep(0.2)
    raise AssertionError(f"the proxy did not start:\n{log.read_text(errors='replace')[-2000:]}")
