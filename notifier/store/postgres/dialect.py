"""Translates a statement of the common subset to PostgreSQL."""

import re
from functools import cache
from itertools import count

_MARK = re.compile(r"\?(\d*)")
_LOCK = re.compile(r"/\* (FOR [A-Za-z ]+) \*/")  # SHARED_LOCK and LOCK
_LIST = "json_each(?)"
_ELEMENTS = "jsonb_array_elements_text(?::jsonb) AS listed (value)"


@cache
def translate(sql: str) -> str:
    """Return `sql` with `$1` for its values; statements are few, and each is translated once."""
    number = count(1)
    sql = _LOCK.sub(r"\1", sql.replace(_LIST, _ELEMENTS))
    return _MARK.sub(lambda found: f"${found[1] or next(number)}", sql)
