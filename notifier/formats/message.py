"""A message as people read it, before any service's own markup.

All texts are plain and unescaped: each format escapes them its own way. `fitted` shortens a
message step by step until its rendering is short enough for a service.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from notifier.formats.languages import Texts
from notifier.texts.cleaning import shortened

GOOD, BAD, NEUTRAL = "good", "bad", "neutral"
"""The moods of a message, which services show as colours."""


class Code(NamedTuple):
    """A text to be copied as it is, such as an id."""

    text: str


class Moment(NamedTuple):
    """A moment in Unix seconds."""

    seconds: int


Value = str | Code | Moment


class Fact(NamedTuple):
    """One thing that is known, with its name."""

    label: str
    value: Value


class Link(NamedTuple):
    """A link to the result, and what has to be said about it."""

    url: str
    label: str
    note: str


class Error(NamedTuple):
    """Why a job failed; each part may be empty."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says, from top to bottom.

    `title` begins with an emoji. `summary` is the title with the main facts on one line, for
    notifications. `notes` are facts that need the whole width. `more` counts the metadata that
    found no room.
    """

    title: str
    summary: str
    mood: str
    texts: Texts
    origin: str
    created_at: int | None
    meaning: str = ""
    facts: tuple[Fact, ...] = ()
    error: Error | None = None
    notes: tuple[Fact, ...] = ()
    metadata: tuple[Fact, ...] = ()
    more: int = 0
    link: Link | None = None


class _Limits(NamedTuple):
    """The most characters of a value and an error, and the most metadata entries."""

    value: int
    error: int
    metadata: int
    url: int


_STEPS = (
    _Limits(400, 1500, 10, 2000),
    _Limits(150, 600, 10, 1500),
    _Limits(100, 300, 4, 800),
    _Limits(60, 100, 0, 400),
    _Limits(30, 30, 0, 0),
)


def fitted(message: Message, render: Callable[[Message], bytes], max_bytes: int) -> bytes:
    """Return the first rendering of at most `max_bytes`, made from ever shorter messages."""
    for limits in _STEPS:
        body = render(_limited(message, limits))
        if len(body) <= max_bytes:
            break
    return body


def _limited(message: Message, limits: _Limits) -> Message:
    kept = message.metadata
    if len(kept) + bool(message.more) > limits.metadata:
        kept = kept[: max(limits.metadata - 1, 0)]
    link, error = message.link, message.error
    return replace(
        message,
        summary=shortened(message.summary, 2 * limits.value + limits.error),
        origin=shortened(message.origin, limits.value),
        facts=_shorter(message.facts, limits.value),
        notes=_shorter(message.notes, limits.error),
        metadata=_shorter(kept, limits.value),
        more=message.more + len(message.metadata) - len(kept),
        error=error
        and Error(shortened(error.code, limits.value), shortened(error.text, limits.error)),
        link=link if link and len(link.url) <= limits.url else None,
    )


def _shorter(facts: Iterable[Fact], longest: int) -> tuple[Fact, ...]:
    return tuple(Fact(shortened(fact.label, longest), _cut(fact.value, longest)) for fact in facts)


def _cut(value: Value, longest: int) -> Value:
    match value:
        case Code(text):
            # an id is worth more than any other value: it is what people search for
            return Code(shortened(text, 3 * longest))
        case str():
            return shortened(value, longest)
    return value
