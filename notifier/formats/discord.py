"""The `discord` format: a webhook message with an embed.

`content` holds the main thing, the link and the metadata, because people may have switched
embeds off; the embed holds the facts. `allowed_mentions` forbids every ping by itself.

Limits (characters): content 2000; embed title 256, description 4096, 25 fields with a name of 256
and a value of 1024, footer 2048, 6000 together. Sources:
https://docs.discord.com/developers/resources/webhook#execute-webhook and
https://docs.discord.com/developers/resources/message#embed-object
"""

import re
from collections.abc import Iterator

from notifier.formats import times
from notifier.formats.chat_text import chat_text
from notifier.formats.lines import (
    Dialect,
    error_lines,
    fact_line,
    link_line,
    more_line,
    note_lines,
    shown,
)
from notifier.formats.message import BAD, GOOD, NEUTRAL, Code, Fact, Message, Moment
from notifier.formats.standard import encode
from notifier.model.video import Json
from notifier.texts.cleaning import shortened

_COLOURS = {GOOD: 0x2EB67D, BAD: 0xE01E5A, NEUTRAL: 0x5865F2}
_MARKUP = re.compile(
    r"[\\*~|`\[\]<]|(?<!\w)_|_(?!\w)|^[-#>+]|^\d+(?=\.)|(?<=http):(?=//)|(?<=https):(?=//)",
    re.MULTILINE | re.ASCII,
)
"""What Discord takes for markup; an underscore inside a word is none."""

_MAX_CONTENT, _MAX_DESCRIPTION, _MAX_NAME, _MAX_VALUE = 2000, 2400, 100, 600
_MAX_FIELDS = 8
_MAX_BRIEF_LINES = 4
_MAX_BRIEF = 100
_MAX_SUMMARY = 600


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", chat_text(text))


def _code(text: str) -> str:
    return "`" + chat_text(text).replace("`", "'") + "`"


_DIALECT = Dialect(_escape, _code, "**", "> ")


def render(message: Message) -> bytes:
    """Return the payload: `content` for notifications, and an embed with the facts."""
    return encode(
        {
            "content": "\n".join(_content(message)),
            "embeds": [_embed(message)],
            "allowed_mentions": {"parse": []},
        }
    )


def _content(message: Message) -> Iterator[str]:
    title = shortened(message.summary, _MAX_SUMMARY)
    yield f"**{_escape(title.replace(chr(10), ' '))}**"
    used = 2 * _MAX_SUMMARY + 4
    for line in link_line(message):
        used += len(line)
        if used < _MAX_CONTENT - 600:
            yield line
    for name, value in message.metadata[:_MAX_BRIEF_LINES]:
        fact = Fact(shortened(name, _MAX_BRIEF // 2), shortened(str(value), _MAX_BRIEF))
        line = fact_line(fact, message, _DIALECT)
        used += len(line) + 1
        if used < _MAX_CONTENT:
            yield line


def _embed(message: Message) -> dict[str, Json]:
    embed: dict[str, Json] = {"color": _COLOURS[message.mood], "fields": list(_fields(message))}
    description = "\n".join(_description(message))
    if description:
        embed["description"] = shortened(description, _MAX_DESCRIPTION)
    embed["footer"] = {"text": f"{message.texts.origin} {chat_text(message.origin)[:200]}"}
    if message.created_at is not None:
        embed["timestamp"] = times.iso(message.created_at)
    return embed


def _description(message: Message) -> Iterator[str]:
    if message.meaning:
        yield message.meaning
    yield from error_lines(message, _DIALECT)
    yield from note_lines(message, _DIALECT)
    for fact in message.metadata[_MAX_BRIEF_LINES:]:
        yield fact_line(fact, message, _DIALECT)
    yield from more_line(message)


def _fields(message: Message) -> Iterator[dict[str, Json]]:
    for fact in message.facts[:_MAX_FIELDS]:
        yield {
            "name": shortened(_escape(fact.label), _MAX_NAME),
            "value": _value(fact, message),
            # a third of the width would break an id into pieces
            "inline": not isinstance(fact.value, Code),
        }


def _value(fact: Fact, message: Message) -> str:
    if isinstance(fact.value, Moment):
        # shown in each reader's own time zone
        return f"<t:{fact.value.seconds}:f>"
    return shortened(shown(fact.value, message, _DIALECT), _MAX_VALUE)
