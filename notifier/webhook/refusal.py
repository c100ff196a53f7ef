"""Tells in a few words why a receiver refused, from what it answered. Pure.

A receiver may echo what it was sent. So the URL, its parts and the headers of the request are
masked, and what the log's redactor knows, before anything is cut.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from notifier import log
from notifier.texts.answer_text import answer_text
from notifier.texts.cleaning import clean_text, one_line, shortened
from notifier.texts.locations import shown_location

LONGEST = 300
"""The most characters that are kept of an answer."""

_URL = "[url]"
_SHORTEST_PART = 8
_SHORTEST_SEGMENT = 16  # shorter ones are words, such as `notifications`
_NOT_SECRET = frozenset({"webhook-id", "webhook-timestamp", "content-type", "user-agent"})


def refusal_text(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    url: str,
    sent: Mapping[str, str],
) -> str:
    """Return what an answer other than 2xx says: at most LONGEST characters on one line.

    `headers` are the answer's, with lower-case names; `url` and `sent`, the request's headers, are
    masked.
    """
    location = headers.get("location", "")
    redirect = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    if redirect and location and (target := shown_location(location)):
        text = f"redirects to {target}, and redirects are not followed"
    else:
        text = answer_text(headers, body)
    return shortened(one_line(clean_text(_masked(text, url, sent))), LONGEST)


def _masked(text: str, url: str, sent: Mapping[str, str]) -> str:
    masks = dict.fromkeys(_url_parts(url), _URL)
    masks |= dict.fromkeys(_header_secrets(sent), log.MASK)
    for part in sorted(masks, key=len, reverse=True):
        for spelling in log.spellings(part):
            text = text.replace(spelling, masks[part])
    return log.redactor.clean(text)


def _url_parts(url: str) -> Iterator[str]:
    """Yield the URL, and every part of it that may be a secret."""
    parts = urlsplit(url)
    yield url
    yield f"{parts.path}?{parts.query}"
    yield parts.path
    yield parts.query
    yield from (value for _, value in parse_qsl(parts.query) if len(value) >= _SHORTEST_PART)
    yield from (name for name in (parts.username, parts.password) if name)
    yield from (part for part in parts.path.split("/") if len(part) >= _SHORTEST_SEGMENT)


def _header_secrets(sent: Mapping[str, str]) -> Iterator[str]:
    for name, value in sent.items():
        if name.lower() not in _NOT_SECRET:
            yield value
            yield from value.split()
