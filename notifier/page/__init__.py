"""The page: HTML for operators, served beside the control API, and live over a stream.

`page` is the whole; `views` shows, `actions` does what buttons say, with the operations of the
control API. `changes` finds out what is new, `feed` keeps it for all tabs, `stream` sends it.
`sessions` and `access` decide who is let in.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.page.activity import Activity
    from notifier.page.page import Page
else:
    __getattr__ = lazy_exports(__name__, {"activity": ("Activity",), "page": ("Page",)})

__all__ = ["Activity", "Page"]
