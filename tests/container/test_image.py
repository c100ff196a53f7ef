"""The image as the Dockerfile makes it, run read-only, without rights, as process 1."""

import os
from pathlib import Path

from tests.container.image import Image
from tests.container.runtime import Bind, Container, Pod, eventually, pod

CONFIG = """
[gateways.main]
base_url = "http://127.0.0.1:8080/v1"

[endpoints.app]
url = "http://127.0.0.1:9000/"
secret = "whsec_bm90aWZpZXItZGVtby1vbmx5LW5vdC1hLXNlY3JldA=="
"""


def start(made: Pod, folder: Path, name: str = "notifier") -> Container:
    """Start the daemon as the image says, with a config and a state volume."""
    config, state = folder / "config.toml", folder / "state"
    config.write_text(CONFIG)
    state.mkdir(exist_ok=True)
    # a new volume gets the owner and mode of the image's folder
    place = (made.image.root / "var/lib/notifier").stat()
    os.chown(state, place.st_uid, place.st_gid)
    state.chmod(place.st_mode & 0o777)
    return made.start(
        name,
        [*made.image.settings["Entrypoint"], *made.image.settings["Cmd"]],
        binds=[
            Bind(config, "/etc/notifier/config.toml"),
            Bind(state, "/var/lib/notifier", writable=True),
        ],
    )


def healthy(container: Container, made: Pod) -> bool:
    """Run the image's own health check."""
    kind, *command = made.image.settings["Healthcheck"]["Test"]
    assert kind == "CMD"
    return container.execute(*command).returncode == 0


def test_the_daemon_runs_on_a_read_only_root_is_healthy_and_ends_on_sigterm(
    image: Image, tmp_path: Path
) -> None:
    with pod(image, tmp_path) as made:
        daemon = start(made, tmp_path)
        daemon.wait_until_said('"started"')
        eventually(lambda: healthy(daemon, made), daemon.said)
        added = daemon.execute("notifier", "watch", "add", "video_1")
        assert added.returncode == 0, added.stderr
        assert "the daemon keeps it" in added.stdout
        assert "pid 1," in daemon.execute("notifier", "status").stdout
        status = daemon.execute("grep", "-E", "^(Uid|CapBnd|NoNewPrivs):", "/proc/1/status").stdout
        assert status.split("\n")[:3] == [
            "Uid:\t10001\t10001\t10001\t10001",
            "CapBnd:\t0000000000000000",
            "NoNewPrivs:\t1",
        ]
        assert daemon.execute("touch", "/tmp/file", "/opt/notifier/file").returncode != 0  # noqa: S108
        assert daemon.stop() == 0
        assert '"stopped"' in daemon.said()

        # the state is in the volume: the next container goes on with it
        again = start(made, tmp_path, "again")
        again.wait_until_said('"started"')
        assert "video_1" in again.execute("notifier", "status").stdout


def test_without_a_config_it_says_so_and_ends_with_78(image: Image, tmp_path: Path) -> None:
    with pod(image, tmp_path) as made:
        container = made.start("notifier", ["notifier", "run"])
        assert container.process.wait(60) == 78
        assert "/etc/notifier/config.toml" in container.said()


def test_the_image_has_no_build_tools_and_no_secret(image: Image) -> None:
    assert not (image.root / "src").exists()
    assert not (image.root / "opt/notifier/bin/pip").exists()
    assert image.settings["StopSignal"] == "SIGTERM"
    assert [*image.settings["Volumes"]] == ["/var/lib/notifier"]
    assert not [name for name in image.environment if "SECRET" in name or "KEY" in name]


def test_no_process_of_a_container_outlives_its_pod(image: Image, tmp_path: Path) -> None:
    with pod(image, tmp_path) as made:
        container = made.start("idle", ["sh", "-c", "echo ready; exec sleep infinity"])
        container.wait_until_said("ready")
        inside = container.pid
    assert not Path(f"/proc/{inside}").exists()
