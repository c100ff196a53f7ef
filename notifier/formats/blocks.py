"""Builds the few blocks of Slack's Block Kit that messages here use."""

import json
from collections.abc import Iterable, Iterator, Sequence

from notifier.model.video import Json

Block = dict[str, Json]


def payload(fallback: str, blocks: Iterable[Block]) -> bytes:
    """Return a message; notifications show `fallback` instead of the blocks."""
    message = {"text": fallback, "blocks": list(blocks)}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def header(title: str) -> Block:
    """Return a heading of plain text."""
    return {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}}


def section(text: str) -> Block:
    """Return a paragraph of mrkdwn."""
    return {"type": "section", "text": _text(text)}


def table(fields: Sequence[str]) -> Iterator[Block]:
    """Return short pieces of mrkdwn in two columns; nothing when there are none."""
    if fields:
        yield {"type": "section", "fields": [_text(field) for field in fields]}


def context(text: str) -> Block:
    """Return mrkdwn in small print."""
    return {"type": "context", "elements": [_text(text)]}


def _text(text: str) -> Block:
    # verbatim: Slack must not turn plain text into mentions, channels and links
    return {"type": "mrkdwn", "text": text, "verbatim": True}
