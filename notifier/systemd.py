"""Reports the service's state to systemd by the protocol of sd_notify(3).

Without systemd (no `$NOTIFY_SOCKET`) every method does nothing. No method raises.
"""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

_MICROSECONDS = 1_000_000
_MAX_STATUS = 500


class ServiceManager:
    """The service manager that started this process, if there is one."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._address = env.get("NOTIFY_SOCKET", "")
        self.watchdog_interval = _watchdog_interval(env)
        """Seconds within which `feed_watchdog` must be called again; None without a watchdog."""

    def ready(self, status: str) -> None:
        """Report that the service is ready, after the start or a reload."""
        self._send("READY=1", f"STATUS={_line(status)}")

    def show(self, status: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send(f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """Report that the configuration is being read again; `ready` must follow in any case."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self, seconds: float) -> None:
        """Report that the service is stopping, which may take so many seconds."""
        microseconds = int(seconds * _MICROSECONDS)
        self._send(
            "STOPPING=1", f"EXTEND_TIMEOUT_USEC={microseconds}", "STATUS=finishing deliveries"
        )

    def feed_watchdog(self) -> None:
        """Report that the service is alive."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address.startswith(("/", "@")):
            return
        # "@" stands for the zero byte that abstract addresses begin with
        address = self._address.replace("@", "\0", 1)
        flags = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with suppress(OSError), socket.socket(socket.AF_UNIX, flags) as sock:
            sock.sendto("\n".join(lines).encode(), address)


def _watchdog_interval(env: Mapping[str, str]) -> float | None:
    """Return `WatchdogSec` in seconds; None when it is unset or for another process."""
    if env.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = env.get("WATCHDOG_USEC", "")
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        return None
    return int(text) / _MICROSECONDS


def _line(text: str) -> str:
    """Return `text` as one line: a newline would begin another assignment."""
    return " ".join(text.split())[:_MAX_STATUS]
