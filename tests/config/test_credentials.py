"""Credentials: handed over by systemd, or read by root from where systemd takes them."""

from pathlib import Path

import pytest

from notifier.config import load, resolve_secrets

CONFIG = """
[gateways.main]
base_url = "https://gateway.example/v1"
api_key = { credential = "gateway-key" }
"""


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that stands in for /etc/notifier, with one config for each service."""
    folder = tmp_path / "etc"
    folder.mkdir()
    monkeypatch.setattr("notifier.config.paths._SYSTEM_FOLDER", folder)
    for name in ("config.toml", "second.toml"):
        (folder / name).write_text(CONFIG)
    return folder


def complaint(config: Path, **env: str) -> str:
    (problem,) = resolve_secrets(load(config, {"HOME": "/h", **env}))
    return str(problem)


@pytest.mark.parametrize(
    ("config", "folder"), [("config.toml", "credentials"), ("second.toml", "credentials-second")]
)
def test_a_command_reads_the_credentials_of_the_installed_service(
    etc: Path, config: str, folder: str
) -> None:
    (etc / folder).mkdir()
    (etc / folder / "gateway-key").write_text("sk-of-the-service\n")
    loaded = load(etc / config, {"HOME": "/h"})
    assert resolve_secrets(loaded) == []
    key = loaded.gateways["main"].api_key
    assert key is not None
    assert key.reveal() == "sk-of-the-service"


def test_what_systemd_handed_over_wins(etc: Path, tmp_path: Path) -> None:
    (etc / "credentials").mkdir()
    (etc / "credentials" / "gateway-key").write_text("sk-newer")
    given = tmp_path / "given"
    given.mkdir()
    (given / "notifier_gateway-key").write_text("sk-of-the-start")
    loaded = load(etc / "config.toml", {"CREDENTIALS_DIRECTORY": str(given)})
    key = loaded.gateways["main"].api_key
    assert key is not None
    assert key.reveal() == "sk-of-the-start"


def test_a_missing_file_names_its_folder(etc: Path) -> None:
    said = complaint(etc / "config.toml")
    assert f"credential gateway-key in {etc / 'credentials'} does not exist" in said
    assert "restart the service" in said


def test_a_credential_that_was_added_after_the_start_needs_a_restart(
    etc: Path, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    said = complaint(etc / "config.toml", CREDENTIALS_DIRECTORY=str(given))
    assert "credential gateway-key was not there when the service started" in said
    assert str(etc / "credentials") in said
    assert "restart the service" in said


def test_another_config_has_no_folder_of_credentials(tmp_path: Path, etc: Path) -> None:
    (etc / "credentials").mkdir()
    (etc / "credentials" / "gateway-key").write_text("sk-of-the-service")
    (tmp_path / "config.toml").write_text(CONFIG)
    said = complaint(tmp_path / "config.toml")
    assert "CREDENTIALS_DIRECTORY is not set" in said
