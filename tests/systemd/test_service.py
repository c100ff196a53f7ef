"""The shipped unit, unmodified, under a real systemd."""

import subprocess
import time

import pytest

from tests.faults.tracing import need_strace
from tests.systemd.machine import CHECKOUT, Machine, eventually, need_systemd
from tests.systemd.service import Service


def test_from_nothing_to_a_verified_event_with_credentials_and_a_dynamic_user(
    service: Service,
) -> None:
    machine = service.machine
    assert machine.show("notifier", "ActiveState") == "active"
    video_id = service.watch_new_video()
    service.wait_until_received(video_id)
    assert machine.show("notifier", "StatusText") != ""
    owner = machine.run("stat", "-Lc", "%U", "/var/lib/notifier/notifier.db").stdout.strip()
    assert owner not in {"root", ""}
    assert f"pid {service.pid()}" in service.notifier("status")
    # the secrets are for the service's user alone, so the service sends it
    assert "app took it: HTTP 204" in service.notifier("endpoints", "test", "app")
    said = "\n".join(service.said())
    assert "sk-0123456789" not in said


def test_a_reload_applies_what_is_different_and_a_bad_config_fails_it_and_changes_nothing(
    service: Service,
) -> None:
    machine, pid = service.machine, service.pid()
    config = machine.run("cat", "/etc/notifier/config.toml").stdout
    service.configure(config.replace("[endpoints.app]", "[endpoints.renamed]"))
    machine.run("systemctl", "reload", "notifier")
    assert '"name": "renamed"' in service.notifier("endpoints", "list", "--json")

    service.configure("[gateways.main]\nbase_url = 1\n")
    refused = machine.run("systemctl", "reload", "notifier", check=False)
    assert refused.returncode != 0
    assert any("gateways.main.base_url: must be text" in line for line in service.said())
    assert (machine.show("notifier", "ActiveState"), service.pid()) == ("active", pid)

    machine.run("systemctl", "kill", "-s", "HUP", "notifier")
    eventually(
        lambda: "reload failed: " in machine.show("notifier", "StatusText"),
        lambda: machine.show("notifier", "StatusText"),
    )
    service.configure(config)
    machine.run("systemctl", "reload", "notifier")
    service.wait_until_received(service.watch_new_video())
    assert "reload" not in machine.show("notifier", "StatusText")


def test_a_hung_event_loop_is_killed_by_the_watchdog_and_nothing_is_lost(service: Service) -> None:
    machine = service.machine
    service.restart_with_watchdog(seconds=6)
    video_id = service.watch_new_video("A cat [10s]")
    pid = service.pid()
    time.sleep(7)  # long enough for a watchdog that nobody feeds
    assert service.pid() == pid

    machine.run("systemctl", "kill", "-s", "STOP", "notifier")
    service.wait_for_restart(pid)
    service.wait_until_received(video_id)
    assert machine.show("notifier", "NRestarts") == "1"


def test_a_store_that_hangs_is_ended_by_the_watchdog_and_nothing_is_lost(service: Service) -> None:
    need_strace()
    machine = service.machine
    service.restart_with_watchdog(seconds=3)
    video_id = service.watch_new_video("A cat [30s]")
    pid = service.pid()
    # the disk keeps each sync for ten minutes: the event loop goes on, the store does not
    syncs = "fsync,fdatasync"
    strace = f"strace -f -p {pid} -o /dev/null -e inject={syncs}:delay_enter=600000000"
    machine.run("systemd-run", "--unit", "disk", "--collect", *strace.split())
    eventually(
        lambda: any("Watchdog timeout" in line for line in service.said()),
        lambda: "\n".join(service.said()),
    )
    # no process ends inside a disk's driver, so the disk has to give it back
    machine.run("systemctl", "kill", "-s", "KILL", "disk")
    service.wait_for_restart(pid)
    service.wait_until_received(video_id)


def test_the_journal_has_priorities_and_fields(service: Service) -> None:
    video_id = service.watch_new_video("A cat [3s] fail")
    service.wait_until_received(video_id)
    lines = service.machine.journal("notifier", f"NOTIFIER_VIDEO_ID={video_id}")
    assert {"poll", "event", "attempt"} <= {line.get("NOTIFIER_EVENT") for line in lines}
    service.configure("not TOML")
    service.machine.run("systemctl", "reload", "notifier", check=False)
    service.machine.run("systemctl", "kill", "-s", "HUP", "notifier")
    eventually(
        lambda: any(
            line.get("NOTIFIER_EVENT") == "reload_failed"
            for line in service.machine.journal("notifier", "-p", "err")
        ),
        lambda: "\n".join(service.said()),
    )
    # a poll that a busy machine made fail is a warning, and rightly so
    assert not any(
        (line.get("NOTIFIER_EVENT"), line.get("NOTIFIER_OUTCOME")) == ("poll", "seen")
        for line in service.machine.journal("notifier", "-p", "warning")
    )


def test_a_kill_is_followed_by_a_restart_and_nothing_is_lost(service: Service) -> None:
    service.machine.run("systemctl", "stop", "receiver")
    video_id = service.watch_new_video()
    eventually(
        lambda: any("retry" in line or "next_attempt_in" in line for line in service.said()),
        lambda: "\n".join(service.said()),
    )
    pid = service.pid()
    service.machine.run("systemctl", "kill", "-s", "KILL", "notifier")
    service.wait_for_restart(pid)
    receiver = service.start_peer("receiver", "listen")
    config = service.machine.run("cat", "/etc/notifier/config.toml").stdout
    service.configure(config.replace(f":{service.receiver}/", f":{receiver}/"))
    service.machine.run("systemctl", "reload", "notifier")
    service.wait_until_received(video_id)


def test_the_service_knows_the_boot_of_its_machine(service: Service) -> None:
    environ = service.machine.run("cat", f"/proc/{service.pid()}/environ").stdout
    boot = service.machine.run("cat", "/proc/sys/kernel/random/boot_id").stdout.strip()
    assert f"NOTIFIER_BOOT_ID={boot.replace('-', '')}" in environ.split("\0")


def test_a_bad_config_ends_with_78_and_no_restart(service: Service) -> None:
    machine = service.machine
    machine.run("systemctl", "stop", "notifier")
    service.configure("[gateways.main]\nbase_url = 1\n")
    assert machine.run("systemctl", "start", "notifier", check=False).returncode != 0
    time.sleep(3)  # longer than RestartSec
    assert machine.show("notifier", "ActiveState") == "failed"
    assert machine.show("notifier", "ExecMainStatus") == "78"
    assert machine.show("notifier", "NRestarts") == "0"
    assert any("gateways.main.base_url" in line for line in service.said())


def test_a_stop_waits_for_deliveries_no_longer_than_the_drain(service: Service) -> None:
    machine = service.machine
    machine.run("systemctl", "stop", "receiver")
    slow = service.start_peer("receiver", "listen", "--slow", "10m")
    config = machine.run("cat", "/etc/notifier/config.toml").stdout
    service.configure(
        config.replace(f":{service.receiver}/", f":{slow}/").replace(
            "retry", "timeout = '10m'\nretry"
        )
    )
    machine.run("systemctl", "restart", "notifier")
    service.watch_new_video()
    eventually(
        lambda: (
            '"in_flight"' in (found := service.notifier("events", "list", "--json"))
            or '"pending": 1' in found
        ),
        lambda: "\n".join(service.said()),
    )
    began = time.monotonic()
    machine.run("systemctl", "stop", "notifier")
    assert time.monotonic() - began < 120  # the attempt would take ten minutes
    assert machine.show("notifier", "Result") == "success"


def test_state_outlives_the_service_and_its_user(service: Service) -> None:
    video_id = service.watch_new_video()
    service.wait_until_received(video_id)
    service.machine.run("systemctl", "stop", "notifier")
    assert video_id in service.notifier("events", "list")
    service.machine.run("systemctl", "start", "notifier")
    assert video_id in service.notifier("events", "list")
    assert "no daemon" not in service.notifier("status")


def test_several_services_have_a_config_and_a_state_each(service: Service) -> None:
    machine = service.machine
    config = machine.run("cat", "/etc/notifier/config.toml").stdout
    machine.write("/etc/notifier/second.toml", f'watch_dir = "second.d"\n{config}')
    machine.run("cp", "-r", "/etc/notifier/credentials", "/etc/notifier/credentials-second")
    machine.run("cp", "/run/checkout/systemd/notifier@.service", "/etc/systemd/system/")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "notifier@second")
    (first,) = service.notifier("status").splitlines()[:1]
    (second,) = service.notifier("status", "-c", "/etc/notifier/second.toml").splitlines()[:1]
    assert f"pid {machine.show('notifier@second', 'MainPID')}" in second
    assert f"pid {service.pid()}" in first
    machine.run("systemctl", "stop", "notifier@second")


def test_a_config_without_secrets_needs_no_credentials_folder(service: Service) -> None:
    machine = service.machine
    machine.run("systemctl", "stop", "notifier")
    with_secrets = machine.run("cat", "/etc/notifier/config.toml").stdout
    machine.run("mv", "/etc/notifier/credentials", "/etc/notifier/elsewhere")
    try:
        machine.write(
            "/etc/notifier/config.toml",
            f'[gateways.main]\nbase_url = "http://127.0.0.1:{service.gateway}/v1"\n',
        )
        machine.run("systemctl", "start", "notifier")
        assert machine.show("notifier", "ActiveState") == "active"

        machine.write("/etc/notifier/config.toml", with_secrets)
        assert machine.run("systemctl", "restart", "notifier", check=False).returncode != 0
        assert machine.show("notifier", "ExecMainStatus") == "78"
        assert any("credential gateway-key" in line for line in service.said())
    finally:
        machine.run("systemctl", "stop", "notifier")
        machine.run("mv", "/etc/notifier/elsewhere", "/etc/notifier/credentials")


def test_uninstall_removes_the_service_and_leaves_its_state(machine: Machine) -> None:
    service = Service(machine)
    service.reset()
    machine.run("systemctl", "start", "notifier", check=False)
    said = service.notifier("uninstall")
    assert "removed /etc/systemd/system/notifier.service" in said
    assert machine.run("systemctl", "status", "notifier", check=False).returncode == 4
    machine.run("test", "-d", "/var/lib/notifier")
    machine.run("test", "-d", "/var/lib/private/notifier")
    service.notifier("install", "--write")
    machine.run("systemctl", "daemon-reload")
    unit = machine.run("cat", "/etc/systemd/system/notifier.service").stdout
    assert unit == (CHECKOUT / "systemd" / "notifier.service").read_text()


@pytest.mark.parametrize("name", ["notifier.service", "notifier@.service"])
def test_the_unit_is_exposed_no_more_than_it_must(name: str) -> None:
    need_systemd()
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=yes",
            "--threshold=12",
            CHECKOUT / "systemd" / name,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


def test_systemd_finds_nothing_wrong_with_the_unit(machine: Machine) -> None:
    unit = "/etc/systemd/system/notifier.service"
    machine.run("systemd-analyze", "verify", "--recursive-errors=one", unit)
