"""The wheel and the sdist that a release uploads: what is in them, and that they install."""

import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from notifier import __version__

CHECKOUT = Path(__file__).parents[2]
SHIPPED = {
    "config.example.toml": "config.example.toml",
    "config.schema.json": "config.schema.json",
    "notifier.service": "systemd/notifier.service",
    "notifier@.service": "systemd/notifier@.service",
    "notifier.rules.yml": "systemd/notifier.rules.yml",
}
PATIENCE = 600.0


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        cwd=cwd,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    if done.returncode != 0 and "No matching distribution" in done.stderr:
        pytest.skip(f"no package index can be reached from here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def release_tools() -> list[str]:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    tools: list[str] = project["optional-dependencies"]["release"]
    return tools


def test_a_wheel_made_from_the_sdist_installs_in_a_fresh_venv_and_works(tmp_path: Path) -> None:
    tools, fresh = tmp_path / "tools", tmp_path / "fresh"
    for folder in (tools, fresh):
        run(sys.executable, "-m", "venv", folder)
    run(tools / "bin/pip", "install", "--quiet", *release_tools())
    # without --wheel and --sdist the wheel is made from the sdist, as an index would
    run(tools / "bin/python", "-m", "build", "--outdir", tmp_path / "dist", CHECKOUT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    assert wheel.name == f"video_notifier-{__version__}-py3-none-any.whl"
    assert sdist.name == f"video_notifier-{__version__}.tar.gz"
    run(tools / "bin/twine", "check", "--strict", wheel, sdist)

    run(fresh / "bin/pip", "install", "--quiet", wheel)
    assert run(fresh / "bin/notifier", "--version") == f"notifier {__version__}\n"
    assert json.loads(run(fresh / "bin/notifier", "schema")) == json.loads(
        (CHECKOUT / "config.schema.json").read_text()
    )
    shipped_files_are_as_in_the_checkout(wheel)
    init_points_at_the_shipped_example(fresh / "bin/notifier", tmp_path)
    sdist_has_what_a_packager_needs(sdist)


def shipped_files_are_as_in_the_checkout(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for name, source in SHIPPED.items():
            shipped = archive.read(f"notifier/shipped/{name}")
            assert shipped == (CHECKOUT / source).read_bytes(), name
    assert "notifier/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


def init_points_at_the_shipped_example(program: Path, folder: Path) -> None:
    printed = run(program, "init", cwd=folder)
    (example,) = (line.strip() for line in printed.splitlines() if "config.example.toml" in line)
    assert Path(example).read_bytes() == (CHECKOUT / "config.example.toml").read_bytes()
    assert f"# {example}\n" in (folder / "config.toml").read_text()


def sdist_has_what_a_packager_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "README.md",
        "README.zh-CN.md",
        "LICENSE",
        "CHANGELOG.md",
        "RELIABILITY.md",
        "Dockerfile",
    }
    needed |= {"compose.yaml", "compose/config.toml", "tests/conftest.py", ".ci/run"}
    needed |= {*SHIPPED.values()} | {f"docs/{page.name}" for page in (CHECKOUT / "docs").glob("*")}
    assert needed <= names, needed - names
    assert not [name for name in names if ".venv" in name or "__pycache__" in name]
