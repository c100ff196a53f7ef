"""The `dingtalk` format: a Markdown message for a custom robot of DingTalk.

The robot answers 200 also when it refuses: `errcode` in the body is 0 for success. With a secret
(`SEC…`) the URL carries `timestamp` (milliseconds, within the hour) and `sign`. A robot takes 20
messages a minute; above that it refuses everything for ten minutes.

DingTalk's Markdown has no escapes, so marks in foreign text become their full-width look-alikes.

Source: https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages
"""

import base64
import hmac
from urllib.parse import quote_plus

from notifier.formats.chat_text import chat_text
from notifier.formats.lines import Dialect, sections
from notifier.formats.message import Message
from notifier.formats.standard import encode
from notifier.texts.cleaning import shortened

FULL_WIDTH = {ord(mark): chr(ord(mark) + 0xFEE0) for mark in "*`#<>[]!~\\|"}
"""Marks of Markdown, and the characters that look like them and mean nothing."""

_MAX_TITLE = 60


def _escape(text: str) -> str:
    return chat_text(text).translate(FULL_WIDTH)


_DIALECT = Dialect(_escape, _escape, "**", "> ")


def render(message: Message) -> bytes:
    """Return the payload; `title` is what notifications show."""
    parts = ["  \n".join(lines) for lines in sections(message, _DIALECT) if lines]
    return encode(
        {
            "msgtype": "markdown",
            "markdown": {
                "title": shortened(_escape(message.summary), _MAX_TITLE),
                "text": "\n\n".join([f"### {_escape(message.title)}", *parts]),
            },
            "at": {"isAtAll": False},
        }
    )


def sign(url: str, body: bytes, secret: str, wall: float) -> tuple[str, bytes]:
    """Return the URL with the robot's signature, and the body; `wall` is in Unix seconds."""
    timestamp = str(int(wall * 1000))
    joint = "&" if "?" in url else "?"
    made = quote_plus(signature(timestamp, secret))
    return f"{url}{joint}timestamp={timestamp}&sign={made}", body


def signature(timestamp: str, secret: str) -> str:
    """Return the signature of a moment in milliseconds, not yet encoded for a URL."""
    signed = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
