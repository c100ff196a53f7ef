"""Structured logs: one canonical line per thing that happened, and never a secret.

Secrets are kept out in two ways. Nobody logs one on purpose: URLs and headers are not log
fields. And because libraries, tracebacks and future changes are not to be trusted with that,
every secret that is resolved is registered here, and a last processor replaces it in whatever
is about to be written.
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
"""What stands where a secret stood."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_CHATTY = ("httpx", "httpcore", "hpack", "watchfiles")


class Logger(Protocol):
    """The part of a structlog logger that the daemon uses."""

    def debug(self, event: str, **fields: object) -> object:
        """Log what only somebody looking for a bug wants to see."""

    def info(self, event: str, **fields: object) -> object:
        """Log something that happened as it should."""

    def warning(self, event: str, **fields: object) -> object:
        """Log something that an operator may want to change."""

    def error(self, event: str, **fields: object) -> object:
        """Log something that an operator has to change."""

    def exception(self, event: str, **fields: object) -> object:
        """Log a bug, with its traceback; only from an `except` block."""


def spellings(secret: str) -> list[str]:
    """Return the ways in which `secret` may be written; none for a text too short to be one."""
    forms = (secret, quote(secret, safe=""), repr(secret)[1:-1])
    return [form for form in forms if len(form) >= _MIN_SECRET]


class Redactor:
    """Knows every secret that was resolved, and takes them out of what is to be written."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}

    def protect(self, secret: str) -> None:
        """Register `secret`; texts too short to be one are left alone."""
        self._secrets |= dict.fromkeys(spellings(secret))

    def clean(self, text: str) -> str:
        """Return `text` with every registered secret masked."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def clean_any(self, value: object) -> object:
        """Return `value` cleaned, looking into containers; odd objects become their repr."""
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
        """Be a structlog processor."""
        clean, clean_any = self.clean, self.clean_any
        return {
            key: clean(value) if type(value) is str else clean_any(value)
            for key, value in event.items()
        }


redactor = Redactor()
"""The process's one redactor: secrets are process-wide, and so is stderr."""


class _Unbreakable:
    """A stream for logs that a full disk or a closed pipe cannot stop the daemon with."""

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
    """Drops what is below a level that may change: structlog's own filter is there for good."""

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
        _what_first,
        _as_json,
    ]


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """Render what the redactor left, which has nothing but JSON's own types."""
    return _encode(event)


def _without_blanks(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """Leave out what has nothing to say, such as a hint that there is none."""
    return {name: value for name, value in event.items() if value != ""}


def _what_first(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """Put when and what in front, where people look."""
    leading = {name: event[name] for name in ("timestamp", "level", "event") if name in event}
    return {**leading, **event}


def configure(level: str = "info", style: str = "auto", stream: TextIO | None = None) -> None:
    """Send structured logs to `stream` (stderr), and the libraries' warnings through them.

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
    """Write only what is of `level` or above from now on."""
    _threshold.level = _LEVELS[level]


def wants(level: str) -> bool:
    """Tell whether a line of `level` would be written: for lines that cost something to make."""
    return _LEVELS[level] >= _threshold.level


def get(**fields: object) -> Logger:
    """Return a logger that adds `fields` to each of its lines."""
    import structlog  # noqa: PLC0415 - slow, and commands that log nothing do without

    return cast("Logger", structlog.get_logger(**fields))
