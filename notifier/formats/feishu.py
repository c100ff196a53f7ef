"""The `feishu` format: an interactive card for a custom bot of Feishu or Lark.

The bot answers 200 also when it refuses: `code` in the body is 0 for success. With a secret each
request carries `timestamp` (seconds, within the hour) and `sign` in its body. A request may have
20 kB, and a bot takes 100 messages a minute and 5 a second.

Source: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
"""

import base64
import hmac
import json
from collections.abc import Iterator

from notifier.formats.chat_text import chat_text
from notifier.formats.lines import Dialect, sections
from notifier.formats.message import BAD, GOOD, NEUTRAL, Message
from notifier.formats.standard import encode
from notifier.model.video import Json

_COLOURS = {GOOD: "green", BAD: "red", NEUTRAL: "blue"}
_MARKUP = {ord(mark): f"&#{ord(mark)};" for mark in "&<>*_~`#[]()!\\"}


def _escape(text: str) -> str:
    return chat_text(text).translate(_MARKUP)


_DIALECT = Dialect(_escape, _escape, "**", "")


def render(message: Message) -> bytes:
    """Return the payload, not yet signed."""
    return encode(
        {
            "msg_type": "interactive",
            "card": {
                "config": {"wide_screen_mode": True},
                "header": {
                    "template": _COLOURS[message.mood],
                    "title": {"tag": "plain_text", "content": chat_text(message.title)},
                },
                "elements": list(_elements(message)),
            },
        }
    )


def sign(url: str, body: bytes, secret: str, wall: float) -> tuple[str, bytes]:
    """Return the URL, and the body with the bot's signature; `wall` is in Unix seconds."""
    timestamp = str(int(wall))
    made = signature(timestamp, secret)
    signed = {"timestamp": timestamp, "sign": made, **json.loads(body)}
    return url, encode(signed)


def signature(timestamp: str, secret: str) -> str:
    """Return the signature of a moment in seconds: timestamp and secret are the key, not text."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.digest(key, b"", "sha256")).decode()


def _elements(message: Message) -> Iterator[Json]:
    *parts, origin = [lines for lines in sections(message, _DIALECT) if lines]
    for lines in parts:
        yield {"tag": "div", "text": {"tag": "lark_md", "content": "\n".join(lines)}}
    yield {"tag": "hr"}
    yield {"tag": "note", "elements": [{"tag": "lark_md", "content": "\n".join(origin)}]}
