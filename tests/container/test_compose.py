"""compose.yaml: from one command to a first verified event."""

import os
import re
from pathlib import Path

import pytest

from notifier.signing import decode_secret
from tests.container.compose import Service, services
from tests.container.dockerfile import CHECKOUT
from tests.container.image import Image
from tests.container.runtime import Bind, Container, Pod, eventually, pod

ORDER = ("notifier", "sandbox", "listener", "first-video")
LONG = 180.0


def start(made: Pod, service: Service, volumes: Path) -> Container:
    """Start a service as compose would; a new named volume is like the image's folder."""
    binds = [Bind(*volume) for volume in service.volumes(volumes)]
    for bind in binds:
        if bind.writable:
            bind.source.mkdir(parents=True, exist_ok=True)
            like = (made.image.root / bind.target.lstrip("/")).stat()
            os.chown(bind.source, like.st_uid, like.st_gid)
    command = service.command(made.image.settings)
    return made.start(service.name, command, environment=service.environment, binds=binds)


def test_one_command_leads_to_a_first_verified_event(image: Image, tmp_path: Path) -> None:
    found = services({})
    with pod(image, tmp_path, *found) as made:
        volumes = tmp_path / "volumes"
        notifier, sandbox, listener = (start(made, found[name], volumes) for name in ORDER[:3])
        _, *check = image.settings["Healthcheck"]["Test"]
        eventually(lambda: notifier.execute(*check).returncode == 0, notifier.said)
        first = start(made, found[ORDER[3]], volumes)
        assert first.process.wait(LONG) == 0, first.said() + notifier.said()
        (video_id,) = re.findall(r"^video\.completed (\S+)", first.said(), re.MULTILINE)
        verified = rf"video\.completed +{video_id} +evt_\w+ +✓ verified +→ 204"
        eventually(lambda: bool(re.search(verified, listener.said())), listener.said)
        for container in (notifier, sandbox, listener):
            assert container.stop() == 0


@pytest.mark.parametrize("name", ORDER)
def test_each_service_runs_read_only_and_without_rights(name: str) -> None:
    settings = services({})[name].settings
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]


def test_the_first_video_waits_until_notifier_is_healthy() -> None:
    waits = services({})["first-video"].settings["depends_on"]
    assert waits["notifier"] == {"condition": "service_healthy"}
    assert {*waits} == {"notifier", "sandbox", "listener"}


def test_ports_are_published_on_loopback_alone() -> None:
    for service in services({}).values():
        for port in service.settings.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_the_only_secret_is_the_made_up_one_and_the_environment_replaces_it() -> None:
    given = services({})["notifier"].environment["APP_WEBHOOK_SECRET"]
    assert decode_secret(given) == b"notifier-demo-only-not-a-secret"
    assert services({})["listener"].environment["NOTIFIER_WEBHOOK_SECRET"] == given
    assert (CHECKOUT / "compose.yaml").read_text().count("whsec_") == 1
    assert "whsec_" not in (CHECKOUT / "compose/config.toml").read_text()
    mine = services({"APP_WEBHOOK_SECRET": "whsec_mine"})["notifier"]
    assert mine.environment["APP_WEBHOOK_SECRET"] == "whsec_mine"
