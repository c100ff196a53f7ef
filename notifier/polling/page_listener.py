"""Whoever wants to know every list page that the pollers of a gateway have read."""

from typing import Protocol

from notifier.gateway import Page


class PageListener(Protocol):
    """What the scheduler needs of it."""

    def page_was_read(self, after: str | None, page: Page) -> None:
        """Take note of the page that follows the id `after`, None for the head of the list."""
