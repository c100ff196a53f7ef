"""Structured logs: one line for each event, and never a secret.

Secrets are kept out in two ways. No code logs one on purpose: URLs and headers are not log
fields. Libraries, tracebacks and future changes may still contain one. So every secret that is
resolved is registered here, and the last processor masks it in every line before it is written.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Protocol, TextIO, cast
from urllib.parse import quote

from notifier.log.journald import JournalStream, is_journal

_MIN_SECRET = 8
MASK = "[secret]"
"""The text that replaces a secret."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_CHATTY = ("httpx", "httpcore", "hpack", "watchfiles")


class Logger(Protocol):
    """The part of a structlog logger that the daemon uses."""

    def debug(self, event: str, **fields: object) -> object:
        """Log a detail that helps to find a bug."""

    def info(self, event: str, **fields: object) -> object:
        """Log an event of normal operation."""

    def warning(self, event: str, **fields: object) -> object:
        """Log an event that an operator may want to act on."""

    def error(self, event: str, **fields: object) -> object:
        """Log an event that an operator has to act on."""

    def exception(self, event: str, **fields: object) -> object:
        """Log a bug, with its traceback; only from an `except` block."""


def spellings(secret: str) -> list[str]:
    """Return the forms in which `secret` may be written; none for a text under 8 characters."""
    forms = (secret, quote(secret, safe=""), repr(secret)[1:-1])
    return [form for form in forms if len(form) >= _MIN_SECRET]


class Redactor:
    """Holds every secret that was resolved, and masks them in what is to be written."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}

    def protect(self, secret: str) -> None:
        """Register `secret`; texts under 8 characters are not masked."""
        self._secrets |= dict.fromkeys(spellings(secret))

    def clean(self, text: str) -> str:
        """Return `text` with every registered secret masked."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def clean_any(self, value: object) -> object:
        """Return `value` with secrets masked, also in containers; other objects as their repr."""
        match value:
            case str():
                return self.clean(value)
            case None | bool() | int() | float():
                return value
            case Mapping():
                return {self.clean(str(k)): self.clean_any(v) for k, v in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.clean_any(item) for item in value]
            case _:
                return self.clean(repr(value))

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> Mapping[str, Any]:
        """Mask a log event; this makes the redactor a structlog processor."""
        clean, clean_any = self.clean, self.clean_any
        return {
            key: clean(value) if type(value) is str else clean_any(value)
            for key, value in event.items()
        }


redactor = Redactor()
"""The process's one redactor: secrets are process-wide, and so is stderr."""


class _Unbreakable:
    """A stream that ignores write errors: a full disk must not stop the daemon."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return


class _Threshold:
    """Drops lines below a level that can be changed, which structlog's own filter's cannot."""

    level = logging.DEBUG

    def __call__(
        self, _logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        if _LEVELS.get(method, logging.ERROR) < self.level:
            from structlog import DropEvent  # noqa: PLC0415 - slow, and commands that log nothing do without

            raise DropEvent
        return event


_threshold = _Threshold()


def _renderer(style: str, *, terminal: bool) -> list[Callable[..., Any]]:
    import structlog  # noqa: PLC0415 - slow, and commands that log nothing do without

    if style == "console" or (style == "auto" and terminal):
        console = structlog.dev.ConsoleRenderer(
            colors=terminal, exception_formatter=structlog.dev.plain_traceback
        )
        return [structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False), redactor, console]
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redactor,
        _leading_first,
        _as_json,
    ]


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """Render an event as JSON; the redactor left nothing but JSON's own types."""
    return _encode(event)


def _without_blanks(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """Leave out fields with an empty text, such as the hint where there is none."""
    return {name: value for name, value in event.items() if value != ""}


def _leading_first(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """Put timestamp, level and event first."""
    leading = {name: event[name] for name in ("timestamp", "level", "event") if name in event}
    return {**leading, **event}


def configure(level: str = "info", style: str = "auto", stream: TextIO | None = None) -> None:
    """Write structured logs, and the libraries' warnings, to `stream` (stderr).

    `level` is debug, info, warning or error; `style` is json, console or auto, which is console
    on a terminal, and systemd's journal itself where `stream` leads into it.
    """
    import structlog  # noqa: PLC0415 - slow, and commands that log nothing do without

    stream = stream or sys.stderr
    threshold = _LEVELS[level]
    _threshold.level = threshold
    shared: list[Callable[..., Any]] = [
        _threshold,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        _without_blanks,
    ]
    rendering = _renderer(style, terminal=stream.isatty())
    sink = cast("TextIO", _Unbreakable(stream))
    if style == "auto" and is_journal(stream, os.environ):
        sink = cast("TextIO", JournalStream(sink))
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(file=sink),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sink)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendering,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Write only lines of `level` or above from now on."""
    _threshold.level = _LEVELS[level]


def wants(level: str) -> bool:
    """Tell whether a line of `level` would be written, before a costly line is built."""
    return _LEVELS[level] >= _threshold.level


def get(**fields: object) -> Logger:
    """Return a logger that adds `fields` to each of its lines."""
    import structlog  # noqa: PLC0415 - slow, and commands that log nothing do without

    return cast("Logger", structlog.get_logger(**fields))
