"""Shows the target of a redirect without what may be secret in it."""

from urllib.parse import urlsplit

from notifier.texts.cleaning import printable, shortened

LONGEST = 200
"""The most characters of a target that are shown."""


def shown_location(location: str) -> str:
    """Return the target of a redirect without user, query and fragment; "" if it is no URL."""
    try:
        parts = urlsplit(location.strip())
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
        text = shown.geturl()
    except ValueError:
        return ""
    return shortened(printable(text), LONGEST)
