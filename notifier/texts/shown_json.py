"""Writes JSON that people look at: what is not printable is escaped, so that nothing is lost."""

import json
from json import JSONEncoder
from typing import Any

_DEL = "\x7f"
_encode = JSONEncoder(ensure_ascii=False).encode


def shown_json(value: Any, indent: int | None = None) -> str:  # noqa: ANN401 - what json.dumps takes
    """Return `value` as JSON text, safe for a terminal."""
    encode = _encode if indent is None else JSONEncoder(indent=indent, ensure_ascii=False).encode
    text = encode(value)
    # the encoder has escaped what controls a terminal, but for DEL
    if (text.isascii() and indent is None and _DEL not in text) or text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
