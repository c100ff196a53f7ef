"""Writes log lines to systemd's journal in its native protocol, with priority and fields.

The input is the JSON line that would have gone to stderr, secrets already masked. MESSAGE is for
readers of `journalctl -u notifier`: the event, then key=value pairs, on one line. Each key is
a field as well, for `journalctl NOTIFIER_VIDEO_ID=…` and for `-o json`.

The protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/) is a datagram for each entry. An entry
that is too long for a datagram is passed as a sealed file in memory. The only maintained library
for it needs libsystemd's headers.
"""

import fcntl
import json
import os
import re
import socket
import struct
from collections.abc import Iterator, Mapping
from errno import EMSGSIZE, ENOBUFS
from typing import Any, TextIO

from notifier.texts.shown_json import shown_json

SOCKET = "/run/systemd/journal/socket"

LONGEST_WAIT = 0.2
"""How long to wait for a journal that takes nothing, in seconds; the next lines do not wait."""

_PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
_NOTICE = 5
_UNQUOTED = re.compile(r"[^\s\"=\\\x00-\x1f\x7f]+")
_NOT_IN_FIELD = re.compile(r"[^A-Z0-9_]")
_LONGEST_FIELD = 64
_TOO_LONG = frozenset({EMSGSIZE, ENOBUFS})


def is_journal(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Tell whether `stream` is the one that systemd connected to the journal."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return env.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class JournalStream:
    """Writes JSON lines to the journal; never raises.

    A line that the journal's socket refuses goes to `fallback`, with its priority as `<N>` in
    front. A journal that hangs must not stop the daemon: lines that it does not take in time are
    lost, and counted.
    """

    def __init__(self, fallback: TextIO) -> None:
        self._fallback = fallback
        self._socket: socket.socket | None = None
        self._hangs = False
        self._lost = 0

    def write(self, line: str) -> int:
        """Write one line to the journal."""
        fields = _decoded(line)
        try:
            self._send(fields)
        except TimeoutError:
            self._lost += 1
        except OSError:
            self._fallback.write(f"<{_priority(fields)}>{_message(fields)}\n")
        return len(line)

    def flush(self) -> None:
        """Flush the fallback; journal entries are not buffered."""
        self._fallback.flush()

    def _send(self, fields: Mapping[str, Any]) -> None:
        self._deliver(_entry(fields))
        if self._lost:
            lost, self._lost = self._lost, 0
            self._send({"event": "log_lines_lost", "level": "warning", "lines": lost})

    def _deliver(self, entry: bytes) -> None:
        """Send `entry`; raises TimeoutError when it is not taken in time, else OSError."""
        try:
            self._try(entry)
        except TimeoutError:
            raise
        except OSError:
            # the journal was restarted, and has a new socket
            self.close()
            self._try(entry)

    def _try(self, entry: bytes) -> None:
        channel = self._connected()
        channel.settimeout(0 if self._hangs else LONGEST_WAIT)
        try:
            _transmit(channel, entry)
        except (TimeoutError, BlockingIOError):
            self._hangs = True
            raise TimeoutError from None
        self._hangs = False

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.connect(SOCKET)
        return self._socket

    def close(self) -> None:
        """Close the socket; the next line opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _transmit(channel: socket.socket, entry: bytes) -> None:
    try:
        channel.send(entry)
    except OSError as error:
        if error.errno not in _TOO_LONG:
            raise
        _transmit_file(channel, entry)


def _transmit_file(channel: socket.socket, entry: bytes) -> None:
    # journald accepts sealed files only
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fd = os.memfd_create("notifier-log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(fd, "wb", buffering=0) as file:
        file.write(entry)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
        socket.send_fds(channel, [b""], [fd])


def _decoded(line: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else {"event": line.rstrip("\n")}


def _entry(fields: Mapping[str, Any]) -> bytes:
    named = {
        "MESSAGE": _message(fields),
        "PRIORITY": str(_priority(fields)),
        "SYSLOG_IDENTIFIER": "notifier",
        **{_field(name): _text(value) for name, value in _own_fields(fields)},
    }
    return b"".join(_framed(name, value) for name, value in named.items())


def _framed(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "backslashreplace")
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)


def _own_fields(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields that have no standard field in the journal."""
    for name, value in fields.items():
        if name not in {"timestamp", "level"}:
            yield name, value


def _field(name: str) -> str:
    return f"NOTIFIER_{_NOT_IN_FIELD.sub('_', name.upper())}"[:_LONGEST_FIELD]


def _priority(fields: Mapping[str, Any]) -> int:
    return _PRIORITIES.get(str(fields.get("level")), _NOTICE)


def _message(fields: Mapping[str, Any]) -> str:
    what = _one_line(_text(fields.get("event", "")))
    others = ((name, value) for name, value in _own_fields(fields) if name != "event")
    return " ".join([what, *(f"{_one_line(name)}={_quoted(value)}" for name, value in others)])


def _one_line(text: str) -> str:
    return text if text.isprintable() else shown_json(text)


def _quoted(value: object) -> str:
    text = _text(value)
    if (text.isprintable() and _UNQUOTED.fullmatch(text)) or not isinstance(value, str):
        return text
    return shown_json(text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else shown_json(value)
