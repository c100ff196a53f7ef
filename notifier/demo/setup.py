"""The demo's sandbox jobs, one for each ending, and the config of its daemon."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from notifier.model.event import EventType
from notifier.sandbox import Sandbox
from notifier.signing import generate_secret

GATEWAY = "sandbox"
_SPEED = 10.0
_STUCK_FOR = 9.0


@dataclass(frozen=True, slots=True)
class DemoJob:
    """One job of the demo: how it ends in the sandbox, and the event that is expected.

    `seconds` is what the job takes before the sandbox's speed divides it.
    """

    name: str
    ending: str
    seconds: float
    expected: EventType


JOBS = (
    DemoJob("cat-on-a-motorcycle", "completed", 60, EventType.COMPLETED),
    DemoJob("sunrise-timelapse", "completed", 100, EventType.COMPLETED),
    DemoJob("forbidden-prompt", "failed", 70, EventType.FAILED),
    DemoJob("changed-my-mind", "cancelled", 50, EventType.CANCELLED),
    DemoJob("vanishing-act", "lost", 60, EventType.LOST),
    DemoJob("never-ending-story", "stuck", 60, EventType.TIMED_OUT),
)


def make_sandbox() -> Sandbox:
    """Return a sandbox in which every job of the demo has just been created."""
    sandbox = Sandbox(speed=_SPEED)
    for job in JOBS:
        sandbox.create(video_id=job.name, ending=job.ending, duration=job.seconds)
    return sandbox


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of the sandbox gateway and the receivers."""

    gateway: int
    app: int
    flaky: int
    slack: int


def write_config(folder: Path, ports: Ports, secret: str) -> Path:
    """Write the demo's config file into `folder` and return its path."""
    path = folder / "config.toml"
    with path.open("wb") as file:
        tomli_w.dump(_config(folder, ports, secret), file)
    return path


def new_secret() -> str:
    """Return the signing secret of this demo."""
    return generate_secret()


def _config(folder: Path, ports: Ports, secret: str) -> Mapping[str, object]:
    def url(port: int) -> str:
        return f"http://127.0.0.1:{port}/"

    return {
        "gateways": {
            GATEWAY: {
                "base_url": url(ports.gateway) + "v1",
                "poll_interval": "500ms",
                "min_poll_interval": "200ms",
                "not_found_grace": "2s",
                "max_requests_per_second": 50,
            }
        },
        "endpoints": {
            "app": {"url": url(ports.app), "secret": secret},
            "flaky": {
                "url": url(ports.flaky),
                "secret": secret,
                "retry_schedule": ["1s", "2s", "4s", "8s"],
            },
            "slack": {"url": url(ports.slack), "format": "slack"},
        },
        "watches": [_watch(job) for job in JOBS],
        "store": {"path": str(folder / "notifier.db")},
        "log": {"format": "json"},
    }


def _watch(job: DemoJob) -> dict[str, object]:
    watch: dict[str, object] = {"video_id": job.name, "metadata": {"demo": job.ending}}
    if job.ending == "stuck":
        watch["give_up_after"] = _STUCK_FOR
    return watch
