"""The `wecom` format: a Markdown message for a group robot of WeCom (WeChat Work).

The robot answers 200 also when it refuses: `errcode` in the body is 0 for success. The content
may have 4,096 bytes of UTF-8; the robot takes 20 messages a minute. It knows no signature: its
URL is the secret. A mention is written `<@userid>`.

Source: https://developer.work.weixin.qq.com/document/path/91770
"""

from notifier.formats.chat_text import chat_text
from notifier.formats.dingtalk import FULL_WIDTH
from notifier.formats.lines import Dialect, sections
from notifier.formats.message import BAD, GOOD, NEUTRAL, Message
from notifier.formats.standard import encode

MAX_CONTENT = 4096
"""The most bytes of `content`; with the JSON around it a body of this size is within it."""

_COLOURS = {GOOD: "info", BAD: "warning", NEUTRAL: "comment"}


def _escape(text: str) -> str:
    return chat_text(text).translate(FULL_WIDTH)


def _code(text: str) -> str:
    return f"`{_escape(text)}`"


_DIALECT = Dialect(_escape, _code, "**", "> ")


def render(message: Message) -> bytes:
    """Return the payload."""
    title = f'# <font color="{_COLOURS[message.mood]}">{chat_text(message.title)}</font>'
    parts = ["\n".join(lines) for lines in sections(message, _DIALECT) if lines]
    content = "\n\n".join([title, *parts])
    return encode({"msgtype": "markdown", "markdown": {"content": content}})
