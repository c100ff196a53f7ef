"""A real Chromium, for tests that skip where there is none."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
import trio
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

T = TypeVar("T")

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"
)
WIDTHS = (360, 768, 1280)
_PATIENCE_MS = 60_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium and end it after the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            # root may not use the sandbox, and CI's containers have a small /dev/shm
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """One tab on the page at `port`; remembers what its console and its network saw."""

    def __init__(
        self, browser: Browser, port: int, *, width: int = 1280, dark: bool = False
    ) -> None:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page: Page = context.new_page()
        self.page.set_default_timeout(_PATIENCE_MS)
        self.origin = f"http://127.0.0.1:{port}"
        self.errors: list[str] = []
        self.requested: set[str] = set()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: dialog.accept())

    def open(self, path: str = "/") -> None:
        """Open a view and wait until it is live."""
        self.page.goto(self.origin + path)
        self.wait_until_live()

    def wait_until_live(self) -> None:
        self.page.locator("#live[data-state=ok]").wait_for()

    def press(self, name: str, *, exact: bool = True) -> str:
        """Press a button; return what the page then says."""
        self.page.get_by_role("button", name=name, exact=exact).first.click()
        notice = self.page.locator(".notice")
        notice.wait_for()
        text = notice.inner_text()
        self.wait_until_live()
        return text

    def wait_for_text(self, selector: str, text: str | re.Pattern[str]) -> None:
        self.page.locator(selector).filter(has_text=text).first.wait_for()

    def is_too_wide(self) -> bool:
        """Whether the page has to be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    def screenshot(self, name: str) -> None:
        """Keep a picture of the whole page where $NOTIFIER_SCREENSHOTS says."""
        folder = os.environ.get("NOTIFIER_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def check(self) -> None:
        """Check that nothing went wrong and nothing came from elsewhere."""
        assert self.errors == []
        assert {url for url in self.requested if not url.startswith(self.origin + "/")} == set()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        self.requested.add(request.url)


async def in_chromium(look: Callable[[Browser], T]) -> T:
    """Run `look` with a Chromium, in a thread."""

    def run() -> T:
        with chromium() as browser:
            return look(browser)

    return await trio.to_thread.run_sync(run)
