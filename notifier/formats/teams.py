"""The `teams` format: an Adaptive Card, as the Workflows app of Microsoft Teams takes it.

A workflow "Post to a channel when a webhook request is received" answers 202 before it posts, so
nothing that happens afterwards comes back. The connectors that Microsoft retires answer 200 and
put a refusal into the body. A message may have 28 kB.

Sources: https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
and https://adaptivecards.io/explorer/ (version 1.4, the newest that every Teams client shows)
"""

import re
from collections.abc import Iterator

from notifier.formats.chat_text import chat_text
from notifier.formats.lines import Dialect, note_lines, origin_line, shown
from notifier.formats.message import BAD, GOOD, NEUTRAL, Fact, Message
from notifier.formats.standard import encode
from notifier.formats.web_address import web_address
from notifier.model.video import Json

_COLOURS = {GOOD: "Good", BAD: "Attention", NEUTRAL: "Default"}
_MARKUP = re.compile(r"[\\*~`#>\[\]]|(?<!\w)_|_(?!\w)", re.ASCII)
"""What Teams takes for markup; an underscore inside a word is none."""

_REFUSED = re.compile(rb"returned HTTP error (\d{3})")


def _escape(text: str) -> str:
    # an entity is the one spelling of `<` that no client takes for a tag
    return _MARKUP.sub(r"\\\g<0>", chat_text(text)).replace("<", "&lt;")


_DIALECT = Dialect(_escape, _escape, "**", "")


def render(message: Message) -> bytes:
    """Return the message with its one card."""
    card: dict[str, Json] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": chat_text(message.summary),
        "body": list(_body(message)),
        "msteams": {"width": "Full"},
    }
    if message.link and (url := web_address(message.link.url)):
        card["actions"] = [{"type": "Action.OpenUrl", "title": message.link.label, "url": url}]
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return encode(
        {"type": "message", "summary": chat_text(message.summary), "attachments": [content]}
    )


def refusal(_status: int, body: bytes) -> str:
    """Return the HTTP status that a connector puts into the body of its 200; "" for none."""
    found = _REFUSED.search(body)
    return found[1].decode() if found else ""


def _body(message: Message) -> Iterator[Json]:
    yield _text(
        _escape(message.title), size="Large", weight="Bolder", color=_COLOURS[message.mood]
    )
    if message.meaning:
        yield _text(message.meaning)
    if message.facts:
        yield _facts(message, message.facts)
    if message.error is not None:
        code, text = message.error
        label = f"**{message.texts.error}**"
        yield _text(f"{label}{message.texts.colon}{_escape(code)}" if code else label)
        if text:
            yield _text(_escape(text), spacing="Small")
    # a table cuts a long path off instead of wrapping it
    for line in note_lines(message, _DIALECT):
        yield _text(line, spacing="Small")
    if message.metadata:
        yield _facts(message, message.metadata)
    if message.more:
        yield _text(message.texts.more.format(count=message.more), isSubtle=True)
    if message.link and web_address(message.link.url):
        # the button comes below all texts, so the note names it
        note = f"{message.link.label}{message.texts.colon}{message.link.note}"
        yield _text(note, isSubtle=True, size="Small")
    yield _text(origin_line(message, _DIALECT), isSubtle=True, size="Small")


def _text(text: str, **look: Json) -> Json:
    return {"type": "TextBlock", "text": text, "wrap": True, **look}


def _facts(message: Message, facts: tuple[Fact, ...]) -> Json:
    return {
        "type": "FactSet",
        "facts": [
            {"title": _escape(fact.label), "value": shown(fact.value, message, _DIALECT)}
            for fact in facts
        ],
    }
