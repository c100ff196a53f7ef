"""`notifier install` below a folder of the test's own; the real thing is in tests/systemd."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from notifier.cli import cli, install
from notifier.shipped_files import unit_text


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend to run from a venv that the service could reach."""
    folder = tmp_path / "venv"
    folder.mkdir()
    path = folder / "notifier"
    path.touch()
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setattr(install, "obstacles", lambda _: iter(()))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_without_write_the_unit_is_only_shown(tmp_path: Path, program: Path) -> None:
    done = run("install", "--root", tmp_path / "root")
    assert f"ExecStart={program} run -c /etc/notifier/config.toml" in done.stdout
    assert not (tmp_path / "root").exists()


def test_it_writes_what_the_service_needs_and_undoes_it(tmp_path: Path, program: Path) -> None:
    root = tmp_path / "root"
    assert "systemctl enable --now notifier" in run("install", "--write", "--root", root).stdout
    folder = root / "etc/notifier"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    assert modes == {
        "notifier": 0o755,
        "config.toml": 0o644,
        "credentials": 0o700,
        "app-secret": 0o600,
    }
    unit = root / "etc/systemd/system/notifier.service"
    assert unit.read_text() == unit_text().replace("/opt/notifier/bin/notifier", str(program))

    assert run("uninstall", "--root", root).exit_code == 0
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_config_that_was_edited_stays(tmp_path: Path, program: Path) -> None:
    root = tmp_path / "root"
    config = root / "etc/notifier/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("mine")
    run("install", "--write", "--root", root)
    run("uninstall", "--root", root)
    assert config.read_text() == "mine"


def test_a_unit_that_notifier_did_not_write_is_not_removed(tmp_path: Path, program: Path) -> None:
    unit = tmp_path / "etc/systemd/system/notifier.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Unit]\n")
    refused = run("uninstall", "--root", tmp_path)
    assert refused.exit_code == 1
    assert unit.read_text() == "[Unit]\n"


def test_a_place_that_the_service_cannot_reach_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "notifier"
    program.touch()
    assert any(f"{closed} is closed to others" in each for each in install.obstacles(program))
    at_home = install.obstacles(Path("/home/somebody/notifier"))
    assert "it sees nothing of /home" in next(at_home)
