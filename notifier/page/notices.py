"""What came of a button, kept until the page is shown again after it.

The text stays here and its id goes through the browser, so that no link can put words on the page.
"""

import secrets
from dataclasses import dataclass, field

_MOST = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence, and whether it tells of a failure."""

    text: str
    is_failure: bool = False


@dataclass(slots=True)
class Notices:
    """The notices that were not shown yet; the oldest are forgotten."""

    _notices: dict[str, Notice] = field(default_factory=dict)

    def keep(self, notice: Notice) -> str:
        """Return the id under which a notice is shown once."""
        while len(self._notices) >= _MOST:
            del self._notices[next(iter(self._notices))]
        notice_id = secrets.token_hex(8)
        self._notices[notice_id] = notice
        return notice_id

    def take(self, notice_id: str) -> Notice | None:
        """Return a notice and forget it."""
        return self._notices.pop(notice_id, None)
