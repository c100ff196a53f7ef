"""Puts programs into the pages that show them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECEIVERS = ROOT / "docs" / "receivers.md"
FROM_POLLING = ROOT / "docs" / "from-polling.md"
PASSTHROUGH = ROOT / "docs" / "passthrough.md"
PAGES = (RECEIVERS, FROM_POLLING, PASSTHROUGH)
_SHOWN = re.compile(r"(<!-- (tests/\S+) -->\n```\w+\n).*?(^```$)", re.DOTALL | re.MULTILINE)


def shown_in(text: str) -> list[str]:
    """Return the names of the files that a page shows."""
    return [match[2] for match in _SHOWN.finditer(text)]


def with_files(text: str) -> str:
    """Return the text of a page with each block that names a file as that file is now."""
    return _SHOWN.sub(lambda match: match[1] + (ROOT / match[2]).read_text() + match[3], text)
