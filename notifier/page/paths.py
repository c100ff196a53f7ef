"""The page's addresses, as the guard and the routes need them."""

from collections.abc import Mapping
from urllib.parse import urlsplit

OVERVIEW, VIDEOS, EVENTS = "/", "/videos", "/events"
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
STREAM = "/v1/stream"
ACTIONS = "/actions/"

ASSETS: Mapping[str, tuple[str, str]] = {
    "/assets/page.css": ("page.css", "text/css; charset=utf-8"),
    "/assets/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
}
"""The file and the content type of each asset, by its path."""

_VIEWS = frozenset({OVERVIEW, VIDEOS, EVENTS, SIGN_IN})


def is_view(path: str) -> bool:
    """Return whether something is shown at a path."""
    return path in _VIEWS or path.startswith(f"{EVENTS}/")


def is_form(path: str) -> bool:
    """Return whether a form is posted to a path."""
    return path in {SIGN_IN, SIGN_OUT} or path.startswith(ACTIONS)


def is_public(path: str) -> bool:
    """Return whether a path is answered without a session."""
    return path == SIGN_IN or path in ASSETS


def own_view(address: str) -> str:
    """Return an address of the page as it is, the overview for any other."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return OVERVIEW
    is_local = not parts.scheme and not parts.netloc and "\\" not in address
    return address if is_local and address.isprintable() and is_view(parts.path) else OVERVIEW
