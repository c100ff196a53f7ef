"""Reads the text out of an answer's body, for people who want to know why it was refused.

JSON is written again without escapes, so that a secret in it is found by its own spelling. A web
page is reduced to its text. Every step takes time linear in the body's length.
"""

import codecs
import html
import json
import re
from collections.abc import Iterator, Mapping

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.ASCII)
_CODECS = re.compile(
    r"ascii|utf-8|utf-16(-le|-be)?|iso8859-\d+|cp\d+|gb\w+|big5\w*|shift_jis\w*|euc_\w+|koi8-\w+"
)
"""The codecs that are used: others may be slow (idna), or are no character sets at all (hex)."""

_NO_TEXT = re.compile(r"^(image|video|audio|font)/|octet-stream|^application/(zip|gzip|pdf)")
# the bound on the name keeps the search linear
_TAG = re.compile(r"<([!/]?[a-zA-Z-][a-zA-Z0-9-]{0,20})[^<>]*>")
_UNSEEN = frozenset({"script", "style", "template", "svg"})
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\(/)")


def answer_text(headers: Mapping[str, str], body: bytes) -> str:
    """Return the text of an answer, neither cleaned nor cut; "" where there is none to read.

    `headers` has lower-case names.
    """
    kind = headers.get("content-type", "").lower()
    coded = headers.get("content-encoding", "identity").lower() not in {"", "identity"}
    if coded or _NO_TEXT.search(kind):
        return ""
    text = text_of(kind, body)
    if "html" in kind or text.lstrip()[:1] == "<":
        return html.unescape("".join(_seen(text)))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _ESCAPE.sub(lambda found: found[2] or chr(int(found[1], 16)), text)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def text_of(kind: str, body: bytes) -> str:
    """Return a body in the character set that its type `kind` declares, UTF-8 without a known one.

    What cannot be decoded becomes U+FFFD.
    """
    declared = _CHARSET.search(kind)
    try:
        name = codecs.lookup(declared[1]).name if declared else "utf-8"
    except LookupError:
        name = "utf-8"
    return body.decode(name if _CODECS.fullmatch(name) else "utf-8", "replace")


def _seen(text: str) -> Iterator[str]:
    """Yield what a browser shows of a page, a space in place of each tag."""
    hidden, at = "", 0
    for tag in _TAG.finditer(text):
        if not hidden:
            yield text[at : tag.start()]
            yield " "
        name, at = tag[1].lower(), tag.end()
        if not hidden and name in _UNSEEN:
            hidden = name
        elif name == f"/{hidden}":
            hidden = ""
    if not hidden:
        yield text[at:]
