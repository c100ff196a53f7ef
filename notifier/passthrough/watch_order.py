"""Reads what a request says about the watch: `Notifier-*` headers, and `callback_url` in JSON."""

import json
from http import HTTPStatus
from typing import NamedTuple

from notifier.config.bad_value import did_you_mean, quoted
from notifier.passthrough.deps import WatchWishes
from notifier.passthrough.headers import RawHeaders, all_of
from notifier.passthrough.targets import RefusedError

_PREFIX = b"notifier-"
_NAMES = (b"metadata", b"endpoints", b"callback-url", b"callback-endpoint")
_FIELD = "callback_url"
_DECODER = json.JSONDecoder()


class TakenBody(NamedTuple):
    """A JSON body without its `callback_url`, and that URL."""

    body: bytes
    callback_url: str


def read_wishes(headers: RawHeaders, callback_url: str | None = None) -> WatchWishes:
    """Return what the `Notifier-*` headers say; raises RefusedError for malformed ones.

    `callback_url` counts if no header names another one.
    """
    _refuse_unknown(headers)
    given = {name: _single(headers, _PREFIX + name) for name in _NAMES}
    metadata, endpoints, url, signer = (given[name] for name in _NAMES)
    for name in (b"callback-url", b"callback-endpoint"):
        if given[name] == "":
            raise _malformed(_PREFIX + name, "is empty")
    return WatchWishes(
        {} if metadata is None else _metadata(metadata),
        None if endpoints is None else _names(endpoints),
        url or callback_url,
        signer,
    )


def _refuse_unknown(headers: RawHeaders) -> None:
    """Raise RefusedError for a header that is meant for notifier, which does not know it."""
    for name, _ in headers:
        if name.lower().startswith(_PREFIX) and name.lower().removeprefix(_PREFIX) not in _NAMES:
            known = [(_PREFIX + one).decode().title() for one in _NAMES]
            written = name.decode("latin-1").title()
            hint = did_you_mean(written, known) or f"known: {', '.join(known)}"
            detail = f"there is no header {quoted(written)} ({hint})"
            raise RefusedError(HTTPStatus.BAD_REQUEST, detail)


def take_callback_url(body: bytes) -> TakenBody | None:
    """Return a JSON body without its top-level `callback_url`, None if it has none.

    The other members stay as they are written: numbers can be larger than a float is.
    """
    if _FIELD.encode() not in body:
        return None
    try:
        value = json.loads(body)
        text = body.decode()
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get(_FIELD), str):
        return None
    return TakenBody(_without(_FIELD, text).encode(), value[_FIELD])


def _without(name: str, text: str) -> str:
    """Return the text of a JSON object without its members of this name."""
    kept = list[str]()
    first = at = _after_space(text, text.index("{") + 1)
    while text[at] != "}":
        start = at
        key, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at) + 1
        _, at = _DECODER.raw_decode(text, _after_space(text, at))
        if key != name:
            kept.append(text[start:at])
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return text[:first] + ",".join(kept) + text[at:]


def _after_space(text: str, at: int) -> int:
    """Return where the next token begins."""
    while text[at] in " \t\r\n":
        at += 1
    return at


def _single(headers: RawHeaders, name: bytes) -> str | None:
    values = all_of(headers, name)
    if len(values) > 1:
        raise _malformed(name, "is given twice")
    try:
        return values[0].decode().strip() if values else None
    except UnicodeDecodeError:
        raise _malformed(name, "must be UTF-8") from None


def _metadata(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise _malformed(b"notifier-metadata", "must be a JSON object of strings")
    return value


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise _malformed(b"notifier-endpoints", "must be names separated by commas")
    return names


def _malformed(name: bytes, what: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, f"{name.decode().title()} {what}")
