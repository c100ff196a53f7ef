"""The installed service, asked by root and by a web application beside it."""

import json
import subprocess
from pathlib import Path

from tests.systemd.machine import CHECKOUT, need_systemd
from tests.systemd.service import Service

SOCKET = "/run/notifier/notifier.sock"
GROUP = "www-data"


def test_with_a_socket_group_the_unit_is_exposed_no_more(tmp_path: Path) -> None:
    need_systemd()
    unit = (CHECKOUT / "systemd" / "notifier.service").read_text()
    (tmp_path / "notifier.service").write_text(f"{unit}\n[Service]\nGroup={GROUP}\n")
    done = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=yes", "--threshold=12"),
            tmp_path / "notifier.service",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


def test_root_checks_probes_and_tests_with_the_credentials_of_the_service(
    service: Service,
) -> None:
    assert "good" in service.notifier("check")
    video_id = service.watch_new_video()
    assert "Understood: this video" in service.notifier("probe", "main", video_id)
    service.machine.run("systemctl", "stop", "notifier")
    assert "app took it" in service.notifier("endpoints", "test", "app")


def test_a_credential_that_is_new_needs_a_restart_and_the_reload_says_so(
    service: Service,
) -> None:
    machine = service.machine
    config = machine.run("cat", "/etc/notifier/config.toml").stdout
    machine.write("/etc/notifier/credentials/newer-key", "sk-0123456789\n", "600")
    service.configure(config.replace('"gateway-key"', '"newer-key"'))
    assert "good" in service.notifier("check")
    assert machine.run("systemctl", "reload", "notifier", check=False).returncode != 0
    assert any("newer-key was not there when the service started" in s for s in service.said())
    assert any("restart the service" in line for line in service.said())
    machine.run("systemctl", "restart", "notifier")
    assert machine.show("notifier", "ActiveState") == "active"


def test_a_member_of_the_socket_group_adds_watches_without_root(service: Service) -> None:
    machine = service.machine
    config = machine.run("cat", "/etc/notifier/config.toml").stdout
    service.configure(f'{config}\n[http]\nsocket_group = "{GROUP}"\n')
    machine.write(
        "/run/systemd/system/notifier.service.d/group.conf", f"[Service]\nGroup={GROUP}\n"
    )
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "notifier")

    post = ("curl", "-sS", "--unix-socket", SOCKET, "http://notifier/v1/watches")
    json_type = ("-H", "Content-Type: application/json", "-d")
    member = ("setpriv", "--reuid=nobody", f"--regid={GROUP}", "--clear-groups")
    added = machine.run(*member, *post, *json_type, '{"video_id": "video_of_the_web_application"}')
    assert json.loads(added.stdout)["state"] == "open"
    stranger = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    refused = machine.run(*stranger, *post, *json_type, '{"video_id": "another"}', check=False)
    assert refused.returncode != 0
    assert "video_of_the_web_application" in service.notifier("status")
    assert not any("socket_group_shut_out" in line for line in service.said())


def test_a_socket_group_that_the_service_does_not_have_names_the_line_to_add(
    service: Service,
) -> None:
    machine = service.machine
    config = machine.run("cat", "/etc/notifier/config.toml").stdout
    service.configure(f'{config}\n[http]\nsocket_group = "{GROUP}"\n')
    assert machine.run("systemctl", "restart", "notifier", check=False).returncode != 0
    assert any(f"Group={GROUP}" in line for line in service.said())
    assert machine.show("notifier", "ExecMainStatus") == "78"
