"""Makes a foreign URL fit to be linked in a message."""

import re
from urllib.parse import quote

_WEB_ADDRESS = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_SAFE = "!#$%&+,/:;=?~"
"""Neither an `@`, which may ping, nor a bracket, quote or asterisk, which may end a link."""

_LONGEST = 2000


def web_address(url: str) -> str | None:
    """Return `url` without anything that is markup; None if it is not http(s) or too long."""
    if not _WEB_ADDRESS.match(url):
        return None
    whole = quote(url, safe=_SAFE, errors="replace")
    return whole if len(whole) <= _LONGEST else None
