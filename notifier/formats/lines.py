"""Lays a message out as lines of Markdown, for services without blocks of their own.

A `Dialect` says how one service marks text up and how foreign text is escaped there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from notifier.formats.message import Code, Fact, Message, Moment, Value
from notifier.formats.web_address import web_address


@dataclass(frozen=True, slots=True)
class Dialect:
    """A service's Markdown. `escape` and `code` take foreign text; `quote` takes a whole line."""

    escape: Callable[[str], str]
    code: Callable[[str], str]
    bold: str
    quote: str


def fact_line(fact: Fact, message: Message, dialect: Dialect) -> str:
    """Return a fact on one line, its label in bold."""
    label = _label(fact.label, dialect)
    return f"{label}{message.texts.colon}{shown(fact.value, message, dialect)}"


def _label(label: str, dialect: Dialect) -> str:
    return f"{dialect.bold}{dialect.escape(label)}{dialect.bold}"


def note_lines(message: Message, dialect: Dialect) -> Iterator[str]:
    """Yield the notes; what is to be copied has a line of its own, because it may be long."""
    for note in message.notes:
        if isinstance(note.value, Code):
            yield _label(note.label, dialect) + message.texts.colon.rstrip()
            yield shown(note.value, message, dialect)
        else:
            yield fact_line(note, message, dialect)


def shown(value: Value, message: Message, dialect: Dialect) -> str:
    """Return a value as the dialect shows it; `-` when it has nothing to see."""
    match value:
        case Code(text):
            return dialect.code(text) if text else "-"
        case Moment(seconds):
            return message.texts.moment(seconds)
        case str():
            return dialect.escape(value) or "-"


def error_lines(message: Message, dialect: Dialect) -> Iterator[str]:
    """Yield the error: a label with the code, and the text as a quotation."""
    if message.error is None:
        return
    code, text = message.error
    label = _label(message.texts.error, dialect)
    yield f"{label}{message.texts.colon}{dialect.code(code)}" if code else label
    for line in text.splitlines():
        if line.strip():
            yield f"{dialect.quote}{dialect.escape(line.strip())}"


def more_line(message: Message) -> Iterator[str]:
    """Yield how many entries of the metadata found no room, if any."""
    if message.more:
        yield message.texts.more.format(count=message.more)


def link_line(message: Message) -> Iterator[str]:
    """Yield the link to the result, if there is one that can be sent."""
    if message.link and (url := web_address(message.link.url)):
        before, after = message.texts.parenthesis
        yield f"[{message.link.label}]({url}){before}{message.link.note}{after}"


def origin_line(message: Message, dialect: Dialect) -> str:
    """Return which event the message is about, and when it was recorded."""
    said = f"{message.texts.origin} {dialect.escape(message.origin)}"
    if message.created_at is None:
        return said
    return f"{said} · {message.texts.moment(message.created_at)}"


def sections(message: Message, dialect: Dialect) -> Iterator[list[str]]:
    """Yield the whole message below its title, as groups of lines that belong together."""
    yield [message.meaning] if message.meaning else []
    yield [fact_line(fact, message, dialect) for fact in message.facts]
    yield list(error_lines(message, dialect))
    yield list(note_lines(message, dialect))
    metadata = [fact_line(fact, message, dialect) for fact in message.metadata]
    yield [*metadata, *more_line(message)]
    yield list(link_line(message))
    yield [origin_line(message, dialect)]
