"""The installed service and its peers, as an operator handles them."""

import json
import re
from dataclasses import dataclass

from tests.systemd.machine import Machine, eventually

NOTIFIER = "/opt/notifier/bin/notifier"
_PEERS = ("gateway", "receiver")


@dataclass
class Service:
    """`notifier.service` on `machine`; the ports of its peers are `gateway` and `receiver`."""

    machine: Machine
    gateway: int = 0
    receiver: int = 0

    def reset(self) -> None:
        """Stop everything and forget all state."""
        for unit in ("disk", "notifier", "notifier@second", *_PEERS):
            self.machine.run("systemctl", "stop", unit, check=False)
            self.machine.run("systemctl", "reset-failed", unit, check=False)
        self.machine.run("bash", "-c", "rm -rf /run/systemd/system/notifier.service.d")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "clean", "--what=state", "notifier", check=False)
        self.machine.run("journalctl", "--rotate")
        self.machine.run("journalctl", "--vacuum-time=1s", check=False)

    def start_peer(self, unit: str, *arguments: str) -> int:
        """Run a command of notifier's as a unit of its own; return the port it listens on."""
        before = len(self._ports(unit))
        options = (
            "--collect",
            "--unit",
            unit,
            "-p",
            "LoadCredential=app-secret:/etc/notifier/credentials/app-secret",
        )
        self.machine.run(
            "systemd-run", *options, NOTIFIER, *arguments, "--port", "0", *self._more(unit)
        )
        eventually(lambda: len(self._ports(unit)) > before, lambda: "\n".join(self.said(unit)))
        return self._ports(unit)[-1]

    def _more(self, unit: str) -> tuple[str, ...]:
        """Return what the receiver verifies with."""
        if unit == "gateway":
            return ()
        secret = self.machine.run("cat", "/etc/notifier/credentials/app-secret").stdout.strip()
        return ("--secret", secret)

    def _ports(self, unit: str) -> list[int]:
        """Return the ports that a unit has listened on, one after the other."""
        found = re.findall(r"http://127\.0\.0\.1:(\d+)", "\n".join(self.said(unit)))
        return [int(port) for port in found]

    def said(self, unit: str = "notifier") -> list[str]:
        """Return what a unit has logged, line by line."""
        return [str(entry.get("MESSAGE", "")) for entry in self.machine.journal(unit)]

    def configure(self, config: str) -> None:
        """Write the config, and the key that it names."""
        self.machine.write("/etc/notifier/config.toml", config)
        self.machine.write("/etc/notifier/credentials/gateway-key", "sk-0123456789\n", "600")

    def notifier(self, *arguments: str, check: bool = True) -> str:
        """Run a command of notifier's as root; return what it printed."""
        return self.machine.run(NOTIFIER, *arguments, check=check).stdout

    def watch_new_video(self, prompt: str = "A cat [5s]") -> str:
        """Create a video and watch it; return its id."""
        body = json.dumps({"model": "sora-2", "prompt": prompt})
        created = self.machine.run(
            *("curl", "-sS", f"http://127.0.0.1:{self.gateway}/v1/videos", "-d", body),
            *("-H", "Content-Type: application/json", "-H", "Authorization: Bearer sk-0123456789"),
        )
        video_id: str = json.loads(created.stdout)["id"]
        self.notifier("watch", "add", video_id)
        return video_id

    def wait_until_received(self, video_id: str) -> None:
        """Wait until the receiver has verified the event of a video."""
        eventually(
            lambda: any(video_id in line and "verified" in line for line in self.said("receiver")),
            lambda: "\n".join((*self.said(), *self.said("receiver"))),
        )

    def pid(self) -> str:
        """Return the daemon's pid."""
        return self.machine.show("notifier", "MainPID")

    def restart_with_watchdog(self, *, seconds: int) -> None:
        """Cut the shipped minute short and start anew; everything else is as shipped."""
        self.machine.write(
            "/run/systemd/system/notifier.service.d/w.conf", f"[Service]\nWatchdogSec={seconds}\n"
        )
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", "notifier")

    def wait_for_restart(self, pid: str) -> None:
        """Wait until another process than `pid` is the active service."""

        def restarted() -> bool:
            active = self.machine.show("notifier", "ActiveState") == "active"
            return active and self.pid() not in {pid, "0"}

        eventually(
            restarted,
            lambda: self.machine.run("systemctl", "status", "notifier", check=False).stdout,
        )
