"""Structured logs: one line for each event, and never a secret.

Secrets are kept out in two ways. No code logs one on purpose: URLs and headers are not log
fields. Libraries, tracebacks and future changes may still contain one. So every secret that is
resolved is registered here, and the last processor masks it in every line before it is written.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Protocol, TextIO, cast
from urllib.parse import quote

from notifier.log.journald import JournalStream, is_journal
from notifier.log.limiter import LineLimiter, cause_of, rate_of
from notifier.texts.cleaning import clean_text, one_line
from notifier.texts.shown_json import shown_json

_MIN_SECRET = 8
MASK = "[secret]"
"""The text that replaces a secret."""

_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types without anything in them to be masked once all texts were looked at."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_SUPPRESSED = "log_lines_suppressed"
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
        if secret not in self._secrets:  # it is registered again with every attempt
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
        return self.masked(event)

    def masked(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a log event, masked."""
        texts = "\n".join([value for value in event.values() if type(value) is str])
        if self.clean(texts) == texts:
            if _PLAIN.issuperset(map(type, event.values())):
                return {**event}
            return {
                key: value if type(value) in _PLAIN else self.clean_any(value)
                for key, value in event.items()
            }
        return {key: self.clean_any(value) for key, value in event.items()}


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


class _Limit:
    """Drops lines of a cause that has written too many (`notifier.log.limiter`)."""

    def __init__(self) -> None:
        self.limiter = LineLimiter()

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        if not self._admits(str(event.get("level")), str(event.get("event")), event):
            from structlog import DropEvent  # noqa: PLC0415 - slow, and commands that log nothing do without

            raise DropEvent
        return event

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a library's line is to be written, as a filter of `logging` does."""
        return self._admits(record.levelname.lower(), record.name, {})

    def _admits(self, level: str, event: str, fields: Mapping[str, object]) -> bool:
        rate = rate_of(level, event)
        if rate is None or event == _SUPPRESSED:
            return True
        return self.limiter.admits(cause_of(level, event, fields), rate, time.monotonic())


_limit = _Limit()


class _Threshold:
    """The level below which no line is written; it can be changed, structlog's own cannot."""

    level = logging.DEBUG

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a library's line is to be written, as a filter of `logging` does."""
        return record.levelno >= self.level


_threshold = _Threshold()


@cache
def _bound_logger() -> Any:  # noqa: ANN401 - structlog's type of it is known once it is imported
    """Return the class of loggers, which is made once structlog is imported."""
    import structlog  # noqa: PLC0415 - slow, and commands that log nothing do without

    class BoundLogger(structlog.BoundLoggerBase):
        """A `Logger` for two lines about each event: structlog's own takes twice as long."""

        def debug(self, event: str, **fields: object) -> None:
            self._write("debug", event, fields)

        def info(self, event: str, **fields: object) -> None:
            self._write("info", event, fields)

        def warning(self, event: str, **fields: object) -> None:
            self._write("warning", event, fields)

        def error(self, event: str, **fields: object) -> None:
            self._write("error", event, fields)

        def exception(self, event: str, **fields: object) -> None:
            self._write("error", event, {"exc_info": True, **fields})

        def _write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
            if not wants(level):
                return
            line: Any = {**self._context, **fields, "event": event, "level": level}
            try:
                for process in self._processors:
                    line = process(self._logger, level, line)
            except structlog.DropEvent:
                return
            self._logger.msg(line)

    return BoundLogger


def _renderer(style: str, *, terminal: bool) -> list[Callable[..., Any]]:
    import structlog  # noqa: PLC0415 - slow, and commands that log nothing do without

    if style == "console" or (style == "auto" and terminal):
        console = structlog.dev.ConsoleRenderer(
            colors=terminal, exception_formatter=structlog.dev.plain_traceback
        )
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
        return [stamp, redactor, _on_one_line, console]
    return [_as_json]


def _as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """Render an event as JSON: when it was, its level and its name first, no secret in it.

    One step does what several processors would: there are two lines for each delivered event.
    """
    second, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    stamp = f"{_date_and_time(second)}.{microseconds:06}Z"
    line = {"timestamp": stamp, "level": event.pop("level"), "event": event.pop("event"), **event}
    return shown_json(redactor.masked(line))


@lru_cache(maxsize=1)
def _date_and_time(second: int) -> str:
    """Return a Unix second in UTC, as RFC 3339 writes it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _on_one_line(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """Make each text safe for a terminal; only a traceback keeps its lines."""
    return {
        name: value
        if not isinstance(value, str)  # shown as its repr, which has no control characters
        else clean_text(value)
        if name == "exception"
        else one_line(value)
        for name, value in event.items()
    }


def _without_blanks(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """Leave out fields with an empty text, such as the hint where there is none."""
    if "" not in event.values():
        return event
    return {name: value for name, value in event.items() if value != ""}


def configure(level: str = "info", style: str = "auto", stream: TextIO | None = None) -> None:
    """Write structured logs, and the libraries' warnings, to `stream` (stderr).

    `level` is debug, info, warning or error; `style` is json, console or auto, which is console
    on a terminal, and systemd's journal itself where `stream` leads into it.
    """
    import structlog  # noqa: PLC0415 - slow, and commands that log nothing do without

    stream = stream or sys.stderr
    threshold = _LEVELS[level]
    _threshold.level = threshold
    _limit.limiter = LineLimiter()
    shared: list[Callable[..., Any]] = [structlog.processors.format_exc_info, _without_blanks]
    rendering = _renderer(style, terminal=stream.isatty())
    sink = cast("TextIO", _Unbreakable(stream))
    if style == "auto" and is_journal(stream, os.environ):
        sink = cast("TextIO", JournalStream(sink))
    structlog.configure(
        processors=[*shared, _limit, *rendering],
        wrapper_class=_bound_logger(),
        logger_factory=structlog.WriteLoggerFactory(file=sink),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sink)
    handler.addFilter(_threshold.filter)
    handler.addFilter(_limit.filter)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.processors.add_log_level, *shared],
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


def report_suppressed() -> None:
    """Log how many lines were left out since the last call, by their cause."""
    for (level, event, *about), lines in _limit.limiter.suppressed().items():
        get().warning(_SUPPRESSED, lines=lines, of=event, of_level=level, about=" ".join(about))


def wants(level: str) -> bool:
    """Tell whether a line of `level` would be written, before a costly line is built."""
    return _LEVELS[level] >= _threshold.level


def get(**fields: object) -> Logger:
    """Return a logger that adds `fields` to each of its lines."""
    import structlog  # noqa: PLC0415 - slow, and commands that log nothing do without

    return cast("Logger", structlog.get_logger(**fields))
