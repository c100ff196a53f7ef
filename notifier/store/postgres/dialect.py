"""Translates a statement of the common subset to PostgreSQL."""

import re
from functools import cache
from itertools import count

from notifier.store.connection import FOR_SHARE

_MARK = re.compile(r"\?(\d*)")
_LIST = "json_each(?)"
_ELEMENTS = "jsonb_array_elements_text(?::jsonb) AS listed (value)"


@cache
def translate(sql: str) -> str:
    """Return `sql` with `$1` for its values; statements are few, and each is translated once."""
    number = count(1)
    common = sql.replace(_LIST, _ELEMENTS).replace(FOR_SHARE, "FOR SHARE")
    return _MARK.sub(lambda found: f"${found[1] or next(number)}", common)
