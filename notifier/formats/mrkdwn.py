"""Escapes and shortens foreign text for Slack's mrkdwn, and writes the few marks used here.

Foreign text pings no one (`notifier.formats.chat_text`). In mrkdwn `&`, `<` and `>` have a
meaning, so foreign text has them escaped. Escaped text holds no links, dates or mentions. Slack
would still guess at `#general` and bare URLs; `verbatim` on the text object switches that off.
Lengths are those of the escaped text, because that is what
Slack counts. Text is cut between whole characters, so that no `&amp;` is halved.
"""

import re
from urllib.parse import quote

from notifier.formats import times
from notifier.formats.chat_text import chat_text

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ELLIPSIS = "…"
_NO_TEXT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_WEB_ADDRESS = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_URL_CHARACTERS = "!#$%&'()*+,/:;=?[]~"  # not @, so that no URL holds a mention
_MAX_URL = 2000


def escape(text: str, longest: int) -> str:
    """Return `text` escaped, cut with an ellipsis when it has more than `longest` characters.

    `longest` is 1 or more. Line breaks stay; other control characters and lone surrogates
    become spaces.
    """
    pieces = [
        _ESCAPES.get(character, character)
        for character in chat_text(_NO_TEXT.sub(" ", text[: longest + 1]))
    ]
    total = sum(map(len, pieces))
    if total <= longest:
        return "".join(pieces)
    while pieces and total > longest - len(_ELLIPSIS):
        total -= len(pieces.pop())
    return "".join(pieces) + _ELLIPSIS


def inline(text: str, longest: int) -> str:
    """Return `text` escaped on one line; `-` when it has nothing to see."""
    return escape(" ".join(_NO_TEXT.sub(" ", text).split()), longest) or "-"


def code(text: str, longest: int) -> str:
    """Return `text` as inline code; backticks, which cannot be escaped, become apostrophes."""
    inner = inline(text.replace("`", "'"), longest - 2)
    return f"`{inner}`"


def code_block(text: str, longest: int) -> str:
    """Return `text` as a block of code, line breaks kept; backticks as in `code`."""
    inner = escape(text.replace("`", "'").strip(), longest - 6) or "-"
    return f"```{inner}```"


def link(url: str, label: str) -> str | None:
    """Return `url` as a link; None when it is not http(s) or too long to be sent whole.

    `label` is mrkdwn already.
    """
    # quoting leaves nothing that could end the link early: no `>`, no `|`, no blank
    whole = address(url)
    return None if whole is None else f"<{whole}|{label}>"


def address(url: str) -> str | None:
    """Return `url` to stand in a text by itself, where services make a link of it; see `link`."""
    if not _WEB_ADDRESS.match(url):
        return None
    whole = escape(quote(url, safe=_URL_CHARACTERS, errors="replace"), _MAX_URL)
    return None if whole.endswith(_ELLIPSIS) else whole


def date(seconds: int) -> str:
    """Return a moment that Slack shows in each reader's own time zone."""
    fallback = f"{times.utc(seconds):%Y-%m-%d %H:%M} UTC"
    return f"<!date^{seconds}^{{date_short_pretty}} {{time}}|{fallback}>"
