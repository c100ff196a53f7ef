"""Pages of a list: `after`, `limit` and `order`, as OpenAI's list endpoints take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

_DEFAULT = 20
_MOST = 100

T = TypeVar("T")


class PageError(ValueError):
    """An invalid list request; `param` is the query parameter at fault."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True)
class Paging:
    """The page that a list request asks for; `after` is the last id of the previous page."""

    after: str | None
    limit: int
    newest_first: bool

    def cut(self, oldest_first: Sequence[tuple[str, T]]) -> tuple[list[T], bool]:
        """Return one page of (id, item) pairs, and whether there is more after it.

        Raises PageError when `after` is in no page.
        """
        rows = list(reversed(oldest_first)) if self.newest_first else list(oldest_first)
        if self.after is not None:
            positions = [n for n, (row_id, _) in enumerate(rows) if row_id == self.after]
            if not positions:
                raise PageError("after", "'after' is not the id of a listed item.")
            rows = rows[positions[0] + 1 :]
        return [item for _, item in rows[: self.limit]], len(rows) > self.limit


def read_paging(query: Mapping[str, str]) -> Paging:
    """Read a list request's query; raises PageError."""
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise PageError("order", "'order' must be 'asc' or 'desc'.")
    digits = query.get("limit", str(_DEFAULT))
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:6]) <= _MOST):
        raise PageError("limit", f"'limit' must be a whole number from 1 to {_MOST}.")
    return Paging(query.get("after"), int(digits[:6]), order == "desc")
